# shellcheck shell=bash disable=SC2034
# Shared by the servers of this folder; sourced, not run. The caller sets RUN (pid files and logs).
log() { printf '%s\n' "$*" >&2; }
die() { log "error: $*"; exit 1; }

# lock FILE: one up or down at a time
lock() { exec 9>"$1"; flock -w 900 9 || die "$1 is held by another run"; }

# render SRC DST KEY=VALUE...: fill the @KEY@ marks of a template
render() {
  local src=$1 dst=$2 kv args=(); shift 2
  for kv in "$@"; do args+=(-e "s|@${kv%%=*}@|${kv#*=}|g"); done
  sed "${args[@]}" "$src" >"$dst"
}

# start NAME CMD...: in a session of its own; the pid file holds pid and start time
start() {
  local name=$1 pid; shift
  setsid "$@" >"$RUN/$name.log" 2>&1 </dev/null 9>&- &
  pid=$!
  echo "$pid $(started "$pid")" >"$RUN/$name.pid"
}

# started PID: the kernel's start time, so that a reused pid is never taken for ours
started() {
  local s; { read -r s <"/proc/$1/stat"; } 2>/dev/null || return 0
  s=${s##*) }; [[ $s != [ZX]* ]] || return 0
  cut -d' ' -f20 <<<"$s"
}

alive() {
  local pid t; [ -s "$RUN/$1.pid" ] || return 1
  read -r pid t <"$RUN/$1.pid"; [ -n "$t" ] && [ "$(started "$pid")" = "$t" ]
}

# group_left PGID: is any process of the group still there (zombies do not count)
group_left() {
  local f s
  for f in /proc/[0-9]*/stat; do
    { read -r s <"$f"; } 2>/dev/null || continue
    [[ ${s##*) } =~ ^[^ZX]\ [0-9]+\ $1\  ]] && return 0
  done
  return 1
}

# stop NAME...: TERM to the recorded group, KILL after 15 s
stop() {
  local name pid i
  for name in "$@"; do
    if alive "$name"; then
      read -r pid _ <"$RUN/$name.pid"
      kill -TERM -- "-$pid" 2>/dev/null || true
      for ((i = 0; i < 150; i++)); do group_left "$pid" || break; sleep 0.1; done
      if group_left "$pid"; then kill -KILL -- "-$pid" 2>/dev/null || true; sleep 0.5; fi
      if group_left "$pid"; then die "$name (group $pid) did not stop"; fi
    fi
    rm -f "$RUN/$name.pid"
  done
}

all_alive() { local n; for n in "$@"; do alive "$n" || return 1; done; }

# ports_free PORT...
ports_free() {
  local p
  for p in "$@"; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; then die "port $p is taken"; fi
  done
}

# http METHOD PORT PATH: status line, headers and body (10 s at most)
http() {
  timeout 10 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf "%s %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\nContent-Length: 0\r\n\r\n" "$0" "$2" "$1" >&3
    cat <&3' "$1" "$2" "$3" 2>/dev/null
}

# wait_for SECONDS CHECK NAME...: until CHECK holds with every NAME alive; fails early when one has died
wait_for() {
  local end=$((SECONDS + $1)) check=$2 n ok; shift 2
  while :; do
    ok=0; if "$check"; then ok=1; fi
    for n in "$@"; do alive "$n" || { tail -n 25 "$RUN/$n.log" >&2; die "$n died"; }; done
    if [ "$ok" = 1 ]; then return; fi
    [ "$SECONDS" -lt "$end" ] || { for n in "$@"; do tail -n 10 "$RUN/$n.log" >&2; done; die "$check: not in time"; }
    sleep 0.3
  done
}

# unpack_debs ROOT EXTRA_SUITE PKG...: fetch Debian packages with apt and unpack them under ROOT.
# Nothing is installed and the system's package lists stay as they are: the mirrors come from the
# machine's own bookworm sources; EXTRA_SUITE (or "") is read from the same mirror.
unpack_debs() {
  local root=$1 extra=$2 key=/usr/share/keyrings/debian-archive-keyring.gpg apt uri suite deb; shift 2
  [ -r "$key" ] || die "debian-archive-keyring is missing"
  apt=$root.apt; rm -rf "$apt" "$root"; mkdir -p "$apt"/{lists/partial,archives/partial,debs,none,root}
  apt-get update --print-uris | sed -n "s#^'\(.*\)/dists/\(bookworm[^/]*\)/InRelease' .*#\1 \2#p" |
    while read -r uri suite; do
      echo "deb [signed-by=$key] $uri $suite main"
      if [ -n "$extra" ] && [ "$suite" = bookworm ]; then
        echo "deb [signed-by=$key] ${EXTRA_SUITE_URI:-$uri} $extra main"
      fi
    done >"$apt/sources.list"
  grep -q ' bookworm main' "$apt/sources.list" || die "apt has no Debian bookworm source here"
  cat >"$apt/apt.conf" <<CONF
Dir::State::lists "$apt/lists/";
Dir::Cache "$apt/";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/none/";
APT::Update::Error-Mode "any";
Acquire::Retries "3";
Acquire::Languages "none";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONF
  if [ "$(id -u)" = 0 ] && getent passwd _apt >/dev/null; then chown -R _apt "$apt"/{lists,archives,debs}; fi
  timeout 300 apt-get -qq -c "$apt/apt.conf" update >&2
  (cd "$apt/debs" && timeout 300 apt-get -qq -c "$apt/apt.conf" download "$@" >&2)
  for deb in "$apt"/debs/*.deb; do dpkg-deb -x "$deb" "$apt/root"; done
  mv "$apt/root" "$root"
  rm -rf "$apt"
}
