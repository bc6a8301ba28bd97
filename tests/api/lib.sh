# What `run` and `generate` share: the tools, installed and pinned, and a server for as long as the script runs.
# Sets work, run, box, origin; key NAME --role ROLE gives an API key.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
work=$root/target/api-test
mkdir -p "$work"
export HYPOTHESIS_STORAGE_DIRECTORY=$work/hypothesis
# What is compiled into it are modules (older nodes do not find that out by themselves).
echo '{"type":"module"}' >"$work/package.json"

for tool in python3 node npm curl; do
    command -v "$tool" >/dev/null || { echo "api-test: $tool is not there; install it (Debian: python3-venv, nodejs, npm, curl)" >&2; exit 1; }
done

step() { printf '\n== %s\n' "$*"; }

step "tools"
wanted=$(sha256sum tests/api/requirements.txt | cut -d' ' -f1)
if [ "$(cat "$work/venv/wanted" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$work/venv"
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/api/requirements.txt
    echo "$wanted" >"$work/venv/wanted"
fi
(cd tests/clients && cmp -s package-lock.json node_modules/installed-lock.json || { npm ci --silent && cp package-lock.json node_modules/installed-lock.json; })

step "server"
box=$root/target/release/boxoffice
run=$(mktemp -d)
server=
end() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
    rm -rf "$run"
}
trap end EXIT
head -c 32 /dev/urandom | base64 >"$run/operator.token"
chmod 600 "$run/operator.token"
# The limiter would refuse a tester.
"$box" serve --db "$run/events.db" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --admin-token-file "$run/operator.token" \
    --auth keys --rate-limit off --log-format json 2>"$run/log" &
server=$!
for _ in $(seq 300); do
    grep -q '"listening"' "$run/log" && break
    kill -0 "$server" 2>/dev/null || { cat "$run/log" >&2; exit 1; }
    sleep 0.1
done
said() { grep -m1 '"listening"' "$run/log" | python3 -c 'import json, sys; line = json.load(sys.stdin); print(line.get("fields", line)[sys.argv[1]])' "$1"; }
origin=http://$(said address)
export BOXOFFICE_ADMIN=http://$(said admin_address) BOXOFFICE_ADMIN_TOKEN_FILE=$run/operator.token
key() { "$box" keys create "$@" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["key"])'; }
echo "$origin"
