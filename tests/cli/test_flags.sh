#!/bin/sh
# Every flag of the reference's commands: known under its name and letter, with a value of its type, shown in the help,
# before the command's name as after it.
#   test_flags.sh CBUILD SOURCE_DIR
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
value() { # TYPE FLAG
  case $1 in
  int) echo 12345678 ;;
  strings) echo 'one,"two"' ;;
  *) [ "$2" != --log-level ] && echo some || echo warn ;;
  esac
}
accepts() {
  "$cbuild" "$@" > "$work/help" 2> "$work/err" || fail "refused: $*"
  grep -q '^Usage:' "$work/help" || fail "no help: $*"
}

count=0
while IFS=$tab read -r command flag letter type; do
  case $command in '#'*) continue ;; esac
  [ "$command" != - ] || command=
  count=$((count + 1))
  if [ "$type" = - ]; then
    accepts $command "$flag" --help
    accepts "$flag" $command --help
    [ "$flag" = --help ] || accepts $command "$flag=false" --help
    [ "$letter" = - ] || accepts $command "$letter" --help
    shown="$flag  *[^ ]"
  else
    v=$(value "$type" "$flag")
    accepts $command "$flag=$v" --help
    accepts $command "$flag" "$v" --help
    accepts "$flag" "$v" $command --help
    [ "$letter" = - ] || accepts $command "$letter" "$v" --help
    [ "$letter" = - ] || accepts $command "$letter$v" --help
    ! "$cbuild" $command "$flag" > /dev/null 2> "$work/err" || fail "$command takes $flag without a value"
    shown="$flag $type  *[^ ]"
  fi
  if [ "$letter" = - ]; then start='      '; else start="  $letter, "; fi
  grep -q -e "^$start$shown" "$work/help" || fail "the help of $command does not show $letter $flag $type"
done < "$source/golden/cli/flags.txt"
[ "$count" -gt 150 ] || fail "only $count flags"

# What no command has is refused, with the nearest name.
for command in build publish lock show-packages dot; do
  ! "$cbuild" $command --repository-apend x > /dev/null 2> "$work/err" || fail "$command takes any flag"
  grep -q 'did you mean --repository-append?' "$work/err" || fail "no hint"
done
"$cbuild" build --help > "$work/help"
grep -q 'help for this command$' "$work/help" || fail "the help shows a default for --help"
"$cbuild" build --arch x86_64 --help > "$work/help"
! grep -q 'default \[x86_64\]' "$work/help" || fail "the help shows what was given as the default"
ln -s "$cbuild" "$work/apko"
"$work/apko" version > "$work/help" 2> "$work/err" || fail "under the name apko"
echo "$count flags are as they should be"
