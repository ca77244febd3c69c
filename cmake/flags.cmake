# Flags that every target shares: warnings, hardening, sanitizers.
set(CMAKE_C_FLAGS_RELEASE "-O2") # asserts stay: our own bugs are to be seen
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
add_library(cb_flags INTERFACE)
target_include_directories(cb_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(cb_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_compile_options(cb_flags INTERFACE
    -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-missing-field-initializers
    -Werror=format-security -fno-strict-aliasing -fno-delete-null-pointer-checks -ffp-contract=off
    -ffunction-sections -fdata-sections -fvisibility=hidden)
if(CBUILD_WERROR)
    target_compile_options(cb_flags INTERFACE -Werror)
endif()

if(CBUILD_SANITIZE)
    target_compile_options(cb_flags INTERFACE -fsanitize=${CBUILD_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    target_link_options(cb_flags INTERFACE -fsanitize=${CBUILD_SANITIZE})
else()
    target_compile_options(cb_flags INTERFACE -fstack-protector-strong -fstack-clash-protection)
    target_link_options(cb_flags INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--gc-sections)
    if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
        target_compile_options(cb_flags INTERFACE -fcf-protection=full)
    endif()
    if(CMAKE_BUILD_TYPE STREQUAL "Release")
        target_compile_options(cb_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    endif()
endif()

if(CBUILD_COVERAGE)
    target_compile_options(cb_flags INTERFACE --coverage)
    target_link_options(cb_flags INTERFACE --coverage)
endif()

set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# cb_library(NAME sources... [USES libraries...]): the one library of a folder.
function(cb_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES")
    add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
    target_link_libraries(${name} PRIVATE cb_flags ${arg_USES})
endfunction()
