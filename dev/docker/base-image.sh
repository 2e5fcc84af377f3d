#!/bin/bash
# base-image.sh [SOCKET...]: builds cloudlayer/base:local once (Debian with python3, without pip, unpacked from .deb
# files, since no registry need be in reach) and loads it into the engines at these sockets, or that of engine-up.sh.
# CLOUDLAYER_BASE_PACKAGES adds Debian packages; their install scripts do not run.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
setup
B=$H/base
packages="base-files base-passwd bash coreutils dash findutils grep gzip hostname libc-bin python3 sed tar"
packages+=" ${CLOUDLAYER_BASE_PACKAGES:-}"
arch=$(dpkg --print-architecture)
key=$({ echo "$packages $arch"; sed -n '/^build()/,/^}/p' "$0"; } | sha256sum | cut -c1-16)
tarball=$B/$key.tar

fetch() {  # as if nothing were installed, so that apt picks every dependency
  apt-get -qq -y -o Dir::State::status="$1/status" -o Dir::Cache::archives="$1/debs" -o APT::Sandbox::User=root \
    -o APT::Install-Recommends=false -o Debug::NoLocking=1 --download-only install $packages >/dev/null
}
build() {
  local w=$1 r=$1/root d id layer
  mkdir -p "$r"/usr/{bin,sbin,lib,lib64} "$r"/{proc,sys,dev,run,tmp,root,etc}
  for d in bin sbin lib lib64; do ln -s "usr/$d" "$r/$d"; done
  for d in "$w"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$d" | tar -x -C "$r" --keep-directory-symlink \
      --exclude='./usr/share/'{doc,man,locale,info,lintian,bug}'/*' --exclude='*/gconv/*' --exclude='*/__pycache__/*'
  done
  cp "$r/usr/share/base-passwd/passwd.master" "$r/etc/passwd"
  cp "$r/usr/share/base-passwd/group.master" "$r/etc/group"
  cp "$r/usr/share/libc-bin/nsswitch.conf" "$r/etc/nsswitch.conf"
  chmod 1777 "$r/tmp"
  ldconfig -r "$r"
  rm -rf "$r/var/cache/ldconfig"
  # Compiled beforehand, since a container would compile anew at every start.
  chroot "$r" sh -c 'python3 -m compileall -q --invalidation-mode unchecked-hash /usr/lib/python3.*' >/dev/null
  mkdir "$w/image"
  tar -C "$r" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$w/image/layer.tar" .
  layer=$(sha256sum <"$w/image/layer.tar"); layer=${layer%% *}
  printf '{"architecture":"%s","os":"linux","created":"1970-01-01T00:00:00Z","config":{"Env":["%s","LANG=C.UTF-8"],%s},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$arch" "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" '"Cmd":["python3"]' "$layer" >"$w/config"
  id=$(sha256sum <"$w/config"); id=${id%% *}
  mv "$w/config" "$w/image/$id.json"
  printf '[{"Config":"%s.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$id" "$IMAGE" >"$w/image/manifest.json"
  tar -C "$w/image" -cf "$w/out.tar" manifest.json "$id.json" layer.tar
  echo "sha256:$id" >"$tarball.id"
  mv "$w/out.tar" "$tarball"
}
load() {  # load SOCKET: nothing to do where that very image is there
  [[ $(timeout 20 docker -H "unix://$1" image inspect -f '{{.Id}}' "$IMAGE" 2>/dev/null) == "$(<"$tarball.id")" ]] ||
    timeout 120 docker -H "unix://$1" load -q -i "$tarball" >/dev/null || die "could not load it into the engine at $1"
}

if [[ ! -s $tarball || ! -s $tarball.id ]]; then
  mkdir -p "$B"
  w=$(mktemp -d "$B/build.XXXXXX"); trap 'rm -rf "$w"' EXIT
  mkdir -p "$w/debs/partial"
  : >"$w/status"
  fetch "$w" 2>/dev/null || { apt-get -qq -o DPkg::Lock::Timeout=300 update && fetch "$w"; } || die "packages cannot be had"
  build "$w"
fi

(($# > 0)) || alive "$ENGINE/init.pid" || die "no engine: run engine-up.sh first"
for socket in "${@:-$SOCKET}"; do load "$socket"; done
echo "$IMAGE $(<"$tarball.id")"
