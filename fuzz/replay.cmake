# cb_replay(NAME USES libraries...): runs the fuzz target fuzz/NAME.c over fuzz/corpus/NAME.hex as a plain test.
function(cb_replay name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES")
    add_executable(replay_${name} ${PROJECT_SOURCE_DIR}/fuzz/${name}.c ${PROJECT_SOURCE_DIR}/fuzz/replay.c)
    target_link_libraries(replay_${name} PRIVATE cb_flags ${arg_USES} cb_crypto cb_base)
    add_test(NAME replay_${name} COMMAND replay_${name} ${PROJECT_SOURCE_DIR}/fuzz/corpus/${name}.hex)
endfunction()
