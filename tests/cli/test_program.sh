#!/bin/sh
# What needs no configuration: help, version, login, clean, completion; their output and how they end.
#   test_program.sh CBUILD SOURCE_DIR
set -eu
cbuild=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tab=$(printf '\t')

fail() {
  echo "$1"
  cat "$work/err"
  exit 1
}
ends() { # STATUS words: how the program ends; 0 with something on stdout, anything else with a message on stderr
  want=$1
  shift
  status=0
  "$cbuild" "$@" > "$work/out" 2> "$work/err" || status=$?
  [ "$status" = "$want" ] || fail "status $status, want $want: $*"
  if [ "$want" = 0 ]; then [ -s "$work/out" ] || fail "printed nothing: $*"; return; fi
  [ ! -s "$work/out" ] || fail "printed something: $*"
  grep -q '^Error: ' "$work/err" || fail "no message: $*"
}

# help
for words in "" --help -h help "help help" "help --help" "help build" "build --help" "build -h" "help erofs ls" erofs \
  completion "-C /nowhere" "--log-level debug help"; do
  ends 0 $words
  grep -q '^Usage:' "$work/out" || fail "no usage: $words"
done
for words in --version -v nothing "help nothing" "erofs nothing" "-C /nowhere version" "--log-level bogus version" \
  "build --nope" "build -z" "build --arch" "clean --dry-run=maybe" build "build a b" "build a b c d" publish "publish a" \
  lock resolve show-config "show-config a b" "build-cpio a" "completion tcsh" "completion bash zsh" "install-keys x" \
  login "login a b" "login a.example" "login a/b -u u -p p" "login https://a.example -u u -p p"; do
  ends 1 $words
done
for command in build build-cpio build-minirootfs clean completion diff dot erofs install-keys lock login publish resolve \
  show-config show-packages version; do
  ends 0 help $command
  grep -q "cbuild $command" "$work/out" || fail "the help of $command has no usage"
done

# version
ends 0 version
grep -q '^GitVersion:    [0-9]' "$work/out" || fail "no version"
ends 0 version --json
python3 -c 'import json, sys; v = json.load(sys.stdin); assert v["gitVersion"] and v["platform"].startswith("linux/"), v' \
  < "$work/out" || fail "version --json"

# login: what the reference writes
HOME=$work/home && DOCKER_CONFIG= && export HOME DOCKER_CONFIG
login() {
  "$cbuild" login "$@" 2> "$work/err" || fail "login $*"
}
holds() { # SERVER AUTH
  want=$(printf '{\n\t"auths": {\n\t\t"%s": {\n\t\t\t"auth": "%s"\n\t\t}\n\t}\n}' "$1" "$2")
  [ "$(cat "$HOME/.docker/config.json")" = "$want" ] || fail "login wrote $(cat "$HOME/.docker/config.json")"
  rm -r "$HOME/.docker"
}
login reg.example.com -u u -p p && holds reg.example.com dTpw
login docker.io -u u -p p && holds https://index.docker.io/v1/ dTpw
login myreg --username=u --password p && holds myreg dTpw
printf 'secret\r\n' | login localhost:5000 -u u --password-stdin && holds localhost:5000 dTpzZWNyZXQ=
printf 'secret\n\n' | login localhost:5000 -u u --password-stdin && holds localhost:5000 dTpzZWNyZXQK
login a.example -u u && holds a.example dTo=
login a.example -p p && holds a.example OnA=

# clean
mkdir -p "$work/c/a/b"
printf 12345 > "$work/c/a/b/f"
: > "$work/kept"
ln -s "$work/kept" "$work/c/link"
"$cbuild" clean --cache-dir "$work/c" --dry-run > "$work/out" 2> "$work/err"
grep -q 'Cache size: [0-9]* B' "$work/err" || fail "no size"
[ -f "$work/c/a/b/f" ] || fail "a dry run removes"
"$cbuild" clean --cache-dir "$work/c" > "$work/out" 2> "$work/err" || fail "clean"
[ ! -e "$work/c" ] && [ -f "$work/kept" ] || fail "clean removes too little or too much"
"$cbuild" clean --cache-dir "$work/c" > "$work/out" 2> "$work/err" || fail "clean of nothing"
ends 1 clean --cache-dir "$work/kept"
HOME=$work ends 1 clean --cache-dir "$work"
[ -f "$work/kept" ] || fail "clean removes the home folder"
mkdir -p "$work/xdg/dev.chainguard.go-apk"
XDG_CACHE_HOME=$work/xdg "$cbuild" clean 2> "$work/err" || fail "clean of the system's cache"
[ ! -e "$work/xdg/dev.chainguard.go-apk" ] || fail "the system's cache is still there"

# completion: what the program itself lists, then what a shell makes of it
lists() { # WANT words
  want=$1
  shift
  got=$("$cbuild" __completeNoDesc "$@" | tr '\n' ' ')
  [ "$got" = "$want " ] || fail "__complete $*: $got"
}
: > "$work/err"
lists "show-config show-packages :4" show
lists "lock login :4" help lo
lists "--package-append :4" build --packa
lists "ls mount umount :4" erofs ""
lists "bash :4" -C / completion b
lists ":0" build ""
lists ":0" build --arch ""
lists ":0" build --arch=
lists ":0" nothing ""
lists ":4" zzz
[ "$("$cbuild" __complete lo)" = "lock${tab}Write down the exact packages of a configuration
login${tab}Log in to a registry
:4" ] || fail "__complete with descriptions"
ends 1 __complete
for shell in bash zsh fish; do
  ends 0 completion $shell
  mv "$work/out" "$work/$shell"
  if command -v $shell > /dev/null; then $shell -n "$work/$shell" || fail "$shell does not take its script"; fi
done
ends 0 completion zsh --no-descriptions
grep -q __completeNoDesc "$work/out" || fail "--no-descriptions"
complete() { # words; prints the completions of the last
  bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cbuild; echo ${COMPREPLY[*]}' - "$work/bash" "$cbuild" "$@"
}
[ "$(complete show)" = "show-config show-packages" ] || fail "completion of a command"
[ "$(complete -C / dot --spa)" = --spanning-tree ] || fail "completion of a flag"
[ -z "$(complete build he)" ] || fail "completion of a file is bash's"

# Under the name apko all is the same, and completion is for that name.
ln -s "$cbuild" "$work/apko"
[ "$("$work/apko" completion bash | tail -n 1)" = "complete -o default -F _apko apko" ] || fail "completion of apko"
[ "$("$work/apko" version)" = "$("$cbuild" version)" ] || fail "the version of apko"
echo "help, version, login, clean and completion are as they should be"
