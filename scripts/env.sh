# Sourced by up and test: makes the Python environment in .venv from the pinned lock, once.
# Works with uv when it is installed and with pip when it is not, with a C compiler and without.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lock=$root/scripts/requirements.lock
venv=$root/.venv
stamp=$venv/.frontdesk-lock

find_python() {
    local name
    for name in ${FRONTDESK_PYTHON:-} python3.13 python3.12 python3.11 python3; do
        if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "Frontdesk needs Python 3.11 or later with venv." >&2
    echo "On Debian 12: apt-get install python3 python3-venv   (or install uv, or set FRONTDESK_PYTHON)." >&2
    return 1
}

# Several starts at once must not build the same environment twice.
make_environment() {
    local wanted python
    # With the compiler: where there is one later, there is something to build.
    wanted=$(cat "$lock" "$root/pyproject.toml" "$root"/scripts/pocketsphinx/* <(command -v cc) |
        sha256sum | cut -d' ' -f1)
    [ -x "$venv/bin/frontdesk" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
    exec 9>"$root/.venv.lock"
    command -v flock >/dev/null && flock 9
    if [ -x "$venv/bin/frontdesk" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        exec 9>&-
        return
    fi
    echo "Setting up the Python environment in .venv (first start: a minute or two) …" >&2
    rm -f "$stamp"
    if command -v uv >/dev/null; then
        [ -x "$venv/bin/python" ] || uv venv --quiet --python '>=3.11' "$venv"
    else
        python=$(find_python) || return 1
        [ -x "$venv/bin/pip" ] || "$python" -m venv "$venv"
    fi
    start_building_recogniser
    install --require-hashes -r "$lock"
    install --no-deps --no-build-isolation -e "$root"
    install_built_recogniser
    echo "$wanted" >"$stamp"
    exec 9>&-
}

# With uv when it is there and with pip when it is not.
install() {
    if command -v uv >/dev/null; then
        uv pip install --quiet --python "$venv/bin/python" "$@"
    else
        "$venv/bin/pip" install -qq --disable-pip-version-check "$@"
    fi
}

# Beside the installation, which mostly waits for the network. Sets built and builder.
start_building_recogniser() {
    built=$(mktemp -d)
    builder=
    command -v cc >/dev/null || return 0
    "$root/scripts/pocketsphinx/build" "$venv/bin/python" "$built" >"$built/log" 2>&1 9>&- &
    builder=$!
}

install_built_recogniser() {
    if [ -z "$builder" ]; then
        echo "No C compiler (cc): with one, speech recognition is built for a third of the processor time at the next start." >&2
    elif wait "$builder"; then
        install --no-deps --no-index --force-reinstall "$built"/*.whl
    else
        mv "$built/log" "$venv/pocketsphinx.log"
        echo "PocketSphinx could not be built here to take a third of the processor time: see $venv/pocketsphinx.log." >&2
    fi
    rm -rf "$built"
}
