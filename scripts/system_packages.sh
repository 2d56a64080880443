#!/bin/sh
# Check what pip can't bring: a C++20 compiler, Python's headers, venv. On Debian and with root,
# install what is missing; else say what to install. Usage: scripts/system_packages.sh PYTHON
set -eu
python=$1
missing=

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "$python is $("$python" --version 2>&1); hetsched needs Python 3.11 or later: make PYTHON=python3.12" >&2
    exit 1
}
"${CXX:-c++}" --version >/dev/null 2>&1 || missing="$missing g++"
"$python" -c 'import sysconfig, os, sys
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' ||
    missing="$missing python3-dev"
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"

[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing$missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
else
    echo "missing:$missing; install with: sudo apt-get install$missing" >&2
    exit 1
fi
