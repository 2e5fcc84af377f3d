#!/bin/bash
# First process of a host, in fresh pid, mount, net, uts and ipc namespaces: gives it a root of its own
# (this machine's /usr and /etc under an overlay, everything else empty), then runs sshd and dockerd.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
name=$1 d=$2 addr=$3 gateway=$4 cgroup=$5 keys=$6

hostname "$name"
r=$d/root
rm -rf "$d/work"
mkdir -p "$d"/data "$d"/{upper,work}/{usr,etc} "$r"/{usr,etc,proc,sys,dev,run,tmp,root/.ssh,home,srv,opt,mnt,var/{lib/docker,log,tmp},.old}
mount --bind "$r" "$r"
for t in usr etc; do
  mount -t overlay -o "lowerdir=/$t,upperdir=$d/upper/$t,workdir=$d/work/$t,volatile" overlay "$r/$t"
done
for t in bin sbin lib lib64; do ln -sfn "usr/$t" "$r/$t"; done
ln -sfn ../run "$r/var/run"
chmod 1777 "$r/tmp" "$r/var/tmp"; chmod 700 "$r/root" "$r/root/.ssh"
mount -t sysfs sysfs "$r/sys"
mount --rbind /sys/fs/cgroup "$r/sys/fs/cgroup"
mount --rbind /dev "$r/dev"
mount -t tmpfs -o mode=755 tmpfs "$r/run"
mkdir -p "$r/run/sshd" "$r/run/outside"
mount --bind "$d/data" "$r/var/lib/docker"
mount --bind "$d/sock" "$r/run/outside"

# What a first boot would write.
cp -L --remove-destination /etc/resolv.conf "$r/etc/resolv.conf" 2>/dev/null || :
echo "$name" >"$r/etc/hostname"
printf '127.0.0.1 localhost\n%s %s\n' "${addr%/*}" "$name" >"$r/etc/hosts"
install -m 600 "$keys/host_key" "$r/etc/ssh/ssh_host_ed25519_key"
install -m 644 "$keys/host_key.pub" "$r/etc/ssh/ssh_host_ed25519_key.pub"
install -m 600 "$keys/id.pub" "$r/root/.ssh/authorized_keys"
sed -i 's/^root:[^:]*:/root:*:/' "$r/etc/shadow"   # no password, yet not locked: sshd refuses a locked account
# A user beside root, as an owner's machine has: no password, may become root, may use the engine.
if ! grep -q '^operator:' "$r/etc/passwd"; then
  echo 'operator:x:7000:7000::/home/operator:/bin/bash' >>"$r/etc/passwd"
  echo 'operator:x:7000:' >>"$r/etc/group"
  echo 'operator:*:19000:0:99999:7:::' >>"$r/etc/shadow"
  sed -i '/^docker:/s/$/,operator/; s/:,/:/' "$r/etc/group"
fi
mkdir -p "$r/etc/sudoers.d"
echo 'operator ALL=(ALL) NOPASSWD: ALL' >"$r/etc/sudoers.d/operator"; chmod 440 "$r/etc/sudoers.d/operator"
install -d -m 755 "$r/home"
install -d -m 700 -o 7000 -g 7000 "$r/home/operator" "$r/home/operator/.ssh"
install -m 600 -o 7000 -g 7000 "$keys/id.pub" "$r/home/operator/.ssh/authorized_keys"
cat >"$r/etc/ssh/sshd_config" <<'END'
Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
MaxStartups 200
MaxSessions 200
Subsystem sftp internal-sftp
END
mkdir -p "$r/etc/docker"
echo "{\"cgroup-parent\": \"$cgroup\", \"log-level\": \"warn\"}" >"$r/etc/docker/daemon.json"

born "$d"
mount -t proc proc "$r/proc"

for _ in {1..200}; do [[ ! -e $r/sys/class/net/eth0 ]] || break; sleep 0.05; done
ip link set lo up
ip addr add "$addr" dev eth0
ip link set eth0 up
ip route add default via "$gateway"

cd "$r"
pivot_root . .old
cd /
umount -l /.old
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
echo 1 >/proc/sys/net/ipv4/ip_forward   # so that dockerd leaves the FORWARD policy alone
/usr/sbin/sshd -D -e &
dockerd -H unix:///run/docker.sock -H unix:///run/outside/docker.sock &
while :; do sleep 3600 & wait -n || :; done   # stay, and reap
