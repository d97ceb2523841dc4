# SPDX-License-Identifier: Apache-2.0
# Debian's cross compiler and qemu-user; libraries unpacked by tools/sysroot s390x.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR s390x)
set(CMAKE_C_COMPILER s390x-linux-gnu-gcc)
set(sysroot ${CMAKE_CURRENT_LIST_DIR}/../build/sysroot/s390x)
set(ENV{PKG_CONFIG_LIBDIR} ${sysroot}/usr/lib/s390x-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${sysroot})
set(CMAKE_C_FLAGS_INIT "-isystem ${sysroot}/usr/include/s390x-linux-gnu")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-rpath-link,${sysroot}/usr/lib/s390x-linux-gnu")
set(CMAKE_CROSSCOMPILING_EMULATOR
    qemu-s390x;-L;/usr/s390x-linux-gnu;-E;LD_LIBRARY_PATH=${sysroot}/usr/lib/s390x-linux-gnu)
