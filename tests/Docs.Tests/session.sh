# What differs between a test and a reader's terminal: nodes run in the background, builds are only checked, and a request that fails ends the session.
# The variables PROGRAMS (folder of the built programs), NODE_PORT and SANDBOX_PORT are set before this.
set -euo pipefail
node_pid='' sandbox_pid=''

fail() {
  echo "$*" >&2
  exit 1
}

end() {
  [[ -z $1 ]] || { kill -9 "$1" 2> /dev/null || true; wait "$1" 2> /dev/null || true; }
}
trap 'end "$node_pid"; end "$sandbox_pid"' EXIT

# await PID URL LOG: until the URL answers.
await() {
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    if command curl -fsS -o /dev/null --max-time 2 "$2" 2> /dev/null; then return; fi
    kill -0 "$1" 2> /dev/null || break
    sleep 0.1
  done
  cat "$3" >&2
  fail "The program did not start."
}

start_node() {
  end "$node_pid"
  command dotnet "$PROGRAMS/CozeCluster.Silo.dll" --port "$NODE_PORT" "$@" > node.log 2>&1 &
  node_pid=$!
  await "$node_pid" "http://127.0.0.1:$NODE_PORT/health/ready" node.log
}

start_sandbox() {
  [[ -z $sandbox_pid ]] || return 0
  command dotnet "$PROGRAMS/CozeCluster.Sandbox.dll" --urls "http://127.0.0.1:$SANDBOX_PORT" > sandbox.log 2>&1 &
  sandbox_pid=$!
  await "$sandbox_pid" "http://127.0.0.1:$SANDBOX_PORT/coze/sandbox/counts" sandbox.log
}

# A fleet of the reader's own talks to the fake Coze instead of the real one.
start_with_fleet() {
  start_sandbox
  local coze="http://127.0.0.1:$SANDBOX_PORT/coze"
  sed -i -e "/token:/ s|upstream: coze, base_url: [^,]*,|upstream: coze,|" -e "/token:/ s|upstream: coze,|upstream: coze, base_url: \"$coze\",|" \
    -e 's|bot_id: 74000000000000000|bot_id: 73500000000000000|' fleet.yaml
  start_node "$@"
}

dotnet() {
  local action=$1 word
  shift
  case $action in
    run)
      while [[ ${1:-} != --project ]]; do [[ $# -gt 0 ]] || fail "dotnet run without --project"; shift; done
      local project=$2
      [[ -f $project/${project##*/}.csproj ]] || fail "There is no project $project."
      shift 2
      [[ ${1:-} != -- ]] || shift
      run "${project##*/}" "$@"
      ;;
    build | test)
      for word in "$@"; do [[ $word == -* || $word != */* || -e $word ]] || fail "There is no $word."; done
      ;;
    *) fail "dotnet $action is not known to session.sh." ;;
  esac
}

run() {
  case "$1 ${2:-}" in
    'Silo check' | 'Silo migrate' | 'Silo --help' | 'Silo --version') command dotnet "$PROGRAMS/CozeCluster.Silo.dll" "${@:2}" ;;
    'Silo repl') command dotnet "$PROGRAMS/CozeCluster.Silo.dll" "${@:2}" ;;
    'Silo --fleet') start_with_fleet "${@:2}" ;;
    Silo*) start_node "${@:2}" ;;
    Sandbox*) start_sandbox ;;
    *) fail "$1 is not known to session.sh." ;;
  esac
}

# A program that was compiled from the C# of a page; it prints something.
run_csharp() {
  command dotnet "$1" | tee response.txt
  [[ -s response.txt ]] || fail "The program printed nothing."
}

# A stream has to be whole, too.
curl() {
  command curl --silent --show-error --fail-with-body --max-time 60 "$@" | tee response.txt
  [[ $* != *'"stream":true'* ]] || grep -q '^data: \[DONE\]' response.txt || fail "The stream is not whole."
}

if ! command -v openssl > /dev/null; then openssl() { head -c "$3" /dev/urandom | od -An -tx1 | tr -d ' \n'; }; fi
