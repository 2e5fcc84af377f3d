# Tells what a machine has and how far it is, a line "name value" each. Runs as root, and waits for nothing.
tell() { printf '%s %s\n' "$1" "$2"; }
if command -v cloud-init >/dev/null && [ -e /usr/local/lib/cloudlayer/setup ]; then
  # Its status tells of an error while it is still at work; its result is there when it has ended.
  if [ -e /run/cloud-init/result.json ]; then tell finished yes; fi
  if [ -e /var/lib/cloudlayer/ready ]; then tell booted yes; else tell booted no; fi
  if [ -e /var/lib/cloudlayer/failed ]; then tell failed "$(head -c 400 /var/lib/cloudlayer/failed | tr '\n' ' ')"; fi
fi
if command -v docker >/dev/null; then
  tell docker "$(timeout 10 docker version --format '{{.Server.Version}}' 2>&1 | tail -n 1)"
  tell runtimes "$(timeout 10 docker info --format '{{range $name, $_ := .Runtimes}}{{$name}} {{end}}' 2>/dev/null)"
fi
if command -v nvidia-smi >/dev/null; then
  timeout 20 nvidia-smi --query-gpu=memory.total,name --format=csv,noheader,nounits 2>/dev/null | while IFS=, read -r memory name; do
    tell gpu "$memory$name"
  done
fi
tell cores "$(nproc)"
tell memory "$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)"
tell disk "$(df -kP "$(docker info --format '{{.DockerRootDir}}' 2>/dev/null || echo /)" 2>/dev/null | awk 'NR == 2 {print $4}')"
