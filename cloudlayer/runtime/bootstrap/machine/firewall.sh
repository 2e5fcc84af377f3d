#!/bin/sh
# Closes the machine but for SSH, and keeps its containers from the cloud's metadata service. Runs before Docker at every start;
# running it again changes nothing. Docker's own chains are not touched: these come before them.
set -eu
opened=$(cat /etc/cloudlayer/networks)
# Where clouds answer about the machine, credentials included; port 53 stays, since name servers may be there too.
metadata="169.254.0.0/16 168.63.129.16 fd00:ec2::254 fd20:ce::254"

tool_for() { case $1 in *:*) echo ip6tables ;; *) echo iptables ;; esac; }
# chain TABLE NAME FROM: an empty chain that FROM leads to before all else.
chain() {
  $tool -t "$1" -N "$2" 2>/dev/null || $tool -t "$1" -F "$2"
  $tool -t "$1" -C "$3" -j "$2" 2>/dev/null || $tool -t "$1" -I "$3" -j "$2"
}

for family in iptables ip6tables; do
  tool="$family -w 10"
  if [ $family = ip6tables ] && [ ! -e /proc/net/if_inet6 ]; then continue; fi
  chain filter CLOUDLAYER-IN INPUT
  chain mangle CLOUDLAYER-FORWARD FORWARD
  within() { $tool -t filter -A CLOUDLAYER-IN "$@"; }
  across() { $tool -t mangle -A CLOUDLAYER-FORWARD "$@"; }

  within -i lo -j ACCEPT
  within -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
  within -p tcp --dport 22 -j ACCEPT
  if [ $family = iptables ]; then
    within -p icmp -j ACCEPT
    within -p udp --sport 67 --dport 68 -j ACCEPT
  else
    within -p ipv6-icmp -j ACCEPT
    within -p udp --sport 547 --dport 546 -j ACCEPT
  fi
  for network in $opened; do
    if [ "$(tool_for "$network")" = $family ]; then within -s "$network" -j ACCEPT; fi
  done
  within -j DROP

  for address in $metadata; do
    if [ "$(tool_for "$address")" != $family ]; then continue; fi
    for protocol in tcp udp; do across -d "$address" -p $protocol --dport 53 -j RETURN; done
    across -d "$address" -j DROP
  done
  for network in $opened; do
    if [ "$(tool_for "$network")" = $family ]; then across -s "$network" -j RETURN; fi
  done
  # What comes in by a real network card is for the machine and for no container.
  for card in /sys/class/net/*; do
    if [ -e "$card/device" ]; then across -i "${card##*/}" -m conntrack --ctstate NEW -j DROP; fi
  done
done
