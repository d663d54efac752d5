#!/usr/bin/env bash
# Open3D, which only tests and a benchmark use, needs a few system libraries (its libusb comes from PyPI). Installs those
# missing where that is allowed, else stops with the one line to type.
set -eu

libraries="libEGL.so.1 libGL.so.1 libX11.so.6 libgomp.so.1"
packages="libegl1 libgl1 libx11-6 libgomp1"

missing=""
for library in $libraries; do
  "${PYTHON:-python3}" -c "import ctypes; ctypes.CDLL('$library')" 2>/dev/null || missing="$missing $library"
done
[ -n "$missing" ] || exit 0

install="apt-get update && apt-get install -y --no-install-recommends $packages"
if command -v apt-get >/dev/null; then
  echo "voxprune: Open3D needs$missing; installing $packages" >&2
  if [ "$(id -u)" = 0 ] && bash -c "$install" >&2; then exit 0; fi
  if [ "$(id -u)" != 0 ] && sudo -n true 2>/dev/null && sudo bash -c "$install" >&2; then exit 0; fi
  echo "voxprune: these libraries can't be installed from here. Type: sudo sh -c '$install'" >&2
else
  echo "voxprune: Open3D needs$missing; install them (Debian calls the packages $packages) and run again" >&2
fi
exit 1
