# What `run` needs: the guide's own commands, tools that are installed once, and servers that end with the script.
# Sets root, work, run, box. The commands come from guest/README.md: what stands behind `<!-- authors: LANGUAGE STEP -->` there is run as it
# stands, in one shell for each language.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
guide=$root/guest/README.md
work=$root/target/authors
mkdir -p "$work/bin" "$work/rust-target"
run=$(mktemp -d)
# Packages are kept from run to run, and modules are compiled once in each.
export npm_config_cache=$work/npm npm_config_prefer_offline=true npm_config_update_notifier=false PIP_CACHE_DIR=$work/pip
export BOXOFFICE_CACHE_DIR=$run/cache
mkdir -m 700 "$run/cache"
box=${BOXOFFICE:-$root/target/release/boxoffice}

trap 'rm -rf "$run"' EXIT

step() { printf '\n== %s\n' "$*"; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# The guide's ports may be in use here, so each language gets others: those of `serve` by its environment, that of `rules dev` by a flag.
ports() {
    dev_port=$(free_port) port=$(free_port) admin_port=$(free_port)
    export BOXOFFICE_LISTEN=127.0.0.1:$port BOXOFFICE_ADMIN_LISTEN=127.0.0.1:$admin_port BOXOFFICE_ADMIN=http://127.0.0.1:$admin_port
    cat >"$work/bin/boxoffice" <<EOF
#!/bin/sh
if [ "\$1 \$2" = "rules dev" ]; then exec "$box" "\$@" --listen 127.0.0.1:$dev_port; fi
exec "$box" "\$@"
EOF
    chmod +x "$work/bin/boxoffice"
}
export PATH=$work/bin:$PATH

# The block of the guide for this language and step, or that for all languages.
block() {
    python3 - "$guide" "$1" "$2" <<'EOF'
import re, sys
guide, language, step = sys.argv[1:]
text = open(guide).read()
for who in (language, "all"):
    found = re.search(rf"<!-- authors: {who} {step} -->\n+```sh\n(.*?)```", text, re.DOTALL)
    if found:
        sys.exit(print(found[1]))
sys.exit(f"authors: the guide has no block {language} {step}")
EOF
}

# What is run: the guide's commands with these ports.
commands() { block "$1" "$2" | sed -e "s/127\.0\.0\.1:8080/127.0.0.1:${3:-$dev_port}/g"; }

# follow LANGUAGE STEP [PORT]: runs the guide's commands in this shell.
follow() {
    local text
    text=$(commands "$@")
    sed 's/^/    $ /' <<<"$text"
    set -- "$text"
    eval "$1"
}

# follow_aside LANGUAGE STEP: the same for commands that go on until they are told to end.
follow_aside() {
    local text
    text=$(commands "$@")
    sed 's/^/    $ /' <<<"$text"
    bash -euo pipefail -c "${exported:-}
$(sed '$s/^/exec /' <<<"$text")" >"$run/aside.log" 2>&1 &
    aside=$!
}

# ask LANGUAGE STEP PORT TEXT: follows until what it prints has TEXT in it, for as long as a module may take to be compiled.
ask() {
    local wanted=$4 deadline=$((SECONDS + 150))
    # Where the guide has named another server before.
    url=http://127.0.0.1:$3
    while :; do
        if follow "$1" "$2" "$3" >"$run/asked" 2>&1 && grep -q -- "$wanted" "$run/asked"; then break; fi
        if [ "$SECONDS" -ge "$deadline" ] || ! kill -0 "$aside" 2>/dev/null; then
            cat "$run/asked" "$run/aside.log" >&2
            echo "authors: the guide's step $1 $2 did not print '$wanted'" >&2
            return 1
        fi
        sleep 0.5
    done
    cat "$run/asked"
}

stop_aside() {
    local child=$aside
    aside=
    kill "$child" 2>/dev/null || true
    wait "$child" || true
}

# A registry that does not answer, in the words of npm, pip and cargo.
no_registry='ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ERR_SOCKET_TIMEOUT|network timeout|E50[0-9]|Max retries exceeded|Temporary failure in name resolution|Failed to establish a new connection|ReadTimeoutError|ProxyError|Could not resolve host|failed to fetch|spurious network error|download of .* failed'

# tools COMMAND...: runs what needs a registry; 75 where that does not answer, and the file why says so.
tools() {
    local code=0 why
    timeout 300 "$@" >"$run/tools.log" 2>&1 || code=$?
    [ "$code" = 0 ] && return 0
    if [ "$code" = 124 ] || grep -qE "$no_registry" "$run/tools.log"; then
        why=$(grep -m1 -oE "$no_registry" "$run/tools.log" || echo "not within 5 minutes")
        echo "the registry did not answer: $why" | tee "$run/why"
        return 75
    fi
    cat "$run/tools.log" >&2
    return "$code"
}

needs() {
    local tool
    for tool in "$@"; do command -v "$tool" >/dev/null || { echo "$tool is not installed" | tee "$run/why"; return 75; }; done
}
