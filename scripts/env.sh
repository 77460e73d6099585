# Sourced by up and test: makes the Python environment in .venv from the pinned lock, once.
# Works with uv when it is installed and with pip when it is not.

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
    wanted=$(cat "$lock" "$root/pyproject.toml" | sha256sum | cut -d' ' -f1)
    [ -x "$venv/bin/frontdesk" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
    exec 9>"$root/.venv.lock"
    command -v flock >/dev/null && flock 9
    if [ -x "$venv/bin/frontdesk" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        exec 9>&-
        return
    fi
    echo "Setting up the Python environment in .venv (first start: about a minute) …" >&2
    rm -f "$stamp"
    if command -v uv >/dev/null; then
        [ -x "$venv/bin/python" ] || uv venv --quiet --python '>=3.11' "$venv"
        uv pip install --quiet --python "$venv/bin/python" --require-hashes -r "$lock"
        uv pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation -e "$root"
    else
        python=$(find_python) || return 1
        [ -x "$venv/bin/pip" ] || "$python" -m venv "$venv"
        "$venv/bin/pip" install -qq --disable-pip-version-check --require-hashes -r "$lock"
        "$venv/bin/pip" install -qq --disable-pip-version-check --no-deps --no-build-isolation -e "$root"
    fi
    echo "$wanted" >"$stamp"
    exec 9>&-
}
