"""Irrevocably drops what decoding does not need: memory, files, programs, network.

An allow-list of system calls is installed as a classic BPF filter (Linux's userspace-api/seccomp_filter).
Other calls return EPERM, so that a library which tries something optional continues.
"""

from __future__ import annotations

import ctypes
import platform
import resource
import struct
import sys
from typing import Final

MAX_OPEN_FILES: Final = 64
"""Most open descriptors: the socket, the item, and a few of the libraries."""

_X86_64: Final = 0xC000003E
_AARCH64: Final = 0xC00000B7

_CALLS: Final[dict[str, tuple[int, dict[str, int]]]] = {
    "x86_64": (
        _X86_64,
        {
            "read": 0,
            "write": 1,
            "close": 3,
            "fstat": 5,
            "poll": 7,
            "lseek": 8,
            "mmap": 9,
            "mprotect": 10,
            "munmap": 11,
            "brk": 12,
            "rt_sigaction": 13,
            "rt_sigprocmask": 14,
            "rt_sigreturn": 15,
            "pread64": 17,
            "readv": 19,
            "writev": 20,
            "sched_yield": 24,
            "mremap": 25,
            "madvise": 28,
            "dup": 32,
            "getpid": 39,
            "sendto": 44,
            "recvfrom": 45,
            "sendmsg": 46,
            "recvmsg": 47,
            "shutdown": 48,
            "exit": 60,
            "getrusage": 98,
            "sigaltstack": 131,
            "gettid": 186,
            "futex": 202,
            "restart_syscall": 219,
            "clock_gettime": 228,
            "clock_nanosleep": 230,
            "exit_group": 231,
            "newfstatat": 262,
            "getrandom": 318,
            "membarrier": 324,
            "rseq": 334,
        },
    ),
    "aarch64": (
        _AARCH64,
        {
            "dup": 23,
            "close": 57,
            "lseek": 62,
            "read": 63,
            "write": 64,
            "readv": 65,
            "writev": 66,
            "pread64": 67,
            "ppoll": 73,
            "newfstatat": 79,
            "fstat": 80,
            "exit": 93,
            "exit_group": 94,
            "futex": 98,
            "clock_gettime": 113,
            "clock_nanosleep": 115,
            "sched_yield": 124,
            "restart_syscall": 128,
            "sigaltstack": 132,
            "rt_sigaction": 134,
            "rt_sigprocmask": 135,
            "rt_sigreturn": 139,
            "getrusage": 165,
            "getpid": 172,
            "gettid": 178,
            "sendto": 206,
            "recvfrom": 207,
            "shutdown": 210,
            "sendmsg": 211,
            "recvmsg": 212,
            "brk": 214,
            "munmap": 215,
            "mremap": 216,
            "mmap": 222,
            "mprotect": 226,
            "madvise": 233,
            "getrandom": 278,
            "membarrier": 283,
            "rseq": 293,
        },
    ),
}
"""By machine: its audit number, and the numbers of the system calls that decoding makes."""

_EPERM: Final = 1
_LOAD_WORD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE, _KILL_PROCESS = 0x7FFF0000, 0x00050000 | _EPERM, 0x80000000
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 22, 38, 2


def lock_down(*, memory_bytes: int, cpu_s: int) -> bool:
    """Set the resource limits, and filter system calls; return whether the machine supports the filter."""
    for what, limit in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
    ):
        hard = resource.getrlimit(what)[1]
        lowered = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (lowered, lowered))
    return _filter_calls()


def _filter_calls() -> bool:
    """Install the filter, which needs no privilege and also restricts root (RLIMIT_NPROC does not)."""
    calls = _CALLS.get(platform.machine()) if sys.platform == "linux" else None
    if calls is None:
        return False
    program = ctypes.create_string_buffer(_program(calls[0], sorted(calls[1].values())))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    header = struct.pack("@HP", (len(program) - 1) // 8, ctypes.addressof(program))
    return int(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0)) == 0


def _program(machine: int, allowed: list[int]) -> bytes:
    """Assemble the filter: kill on calls of another machine, allow listed calls, fail on others."""
    lines = [
        (_LOAD_WORD, 0, 0, 4),  # offset of seccomp_data.arch
        (_JUMP_IF_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD_WORD, 0, 0, 0),  # offset of seccomp_data.nr
    ]
    lines += [(_JUMP_IF_EQUAL, len(allowed) - index, 0, number) for index, number in enumerate(allowed)]
    lines += [(_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("@HBBI", *line) for line in lines)
