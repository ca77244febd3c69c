// The example image's program: statically linked, without a C library, so that the package stays small.
// Says hello, tells who it runs as, and ends.
#if defined(__x86_64__)
enum { SYS_WRITE = 1, SYS_EXIT = 60, SYS_GETUID = 102 };
static long call(long n, long a, const void *b, unsigned long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum { SYS_WRITE = 64, SYS_EXIT = 93, SYS_GETUID = 174 };
static long call(long n, long a, const void *b, unsigned long c)
{
    register long x8 __asm__("x8") = n, x0 __asm__("x0") = a;
    register const void *x1 __asm__("x1") = b;
    register unsigned long x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#endif

static char text[] = "hello from an image built by cbuild, as user 0000000000\n";

void _start(void)
{
    long uid = call(SYS_GETUID, 0, 0, 0);
    for (unsigned long i = sizeof text - 3, digits = 10; digits; i--, digits--, uid /= 10)
        text[i] = (char)('0' + uid % 10);
    call(SYS_WRITE, 1, text, sizeof text - 1);
    call(SYS_EXIT, 0, 0, 0);
    for (;;)
        ;
}
