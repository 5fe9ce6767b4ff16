/*
 * pause holds the namespaces of a pod. As process 1 of a shared PID namespace it inherits the orphans of all the pod's
 * containers and must wait for them, else they stay zombies; on SIGINT or SIGTERM it ends with 0.
 *
 * One runs for every pod, so it is small: no C library, no signal handler, one kernel call it sleeps in. The signals are blocked and
 * collected with rt_sigtimedwait: a blocked signal is kept even for process 1, whose unhandled signals the kernel drops.
 */

#define SIGINT 2
#define SIGTERM 15
#define SIGCHLD 17
#define BIT(sig) (1UL << ((sig) - 1))
#define WNOHANG 1

#if defined(__x86_64__)
enum { sys_rt_sigprocmask = 14, sys_wait4 = 61, sys_rt_sigtimedwait = 128, sys_exit_group = 231 };

static long call(long n, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
enum { sys_exit_group = 94, sys_rt_sigprocmask = 135, sys_rt_sigtimedwait = 137, sys_wait4 = 260 };

static long call(long n, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
#else
#error "pause: no system call convention for this architecture"
#endif

__attribute__((noreturn)) void _start(void)
{
	unsigned long set = BIT(SIGINT) | BIT(SIGTERM) | BIT(SIGCHLD);

	call(sys_rt_sigprocmask, 0 /* SIG_BLOCK */, (long)&set, 0, sizeof set);
	for (;;) {
		long sig = call(sys_rt_sigtimedwait, (long)&set, 0, 0, sizeof set);
		if (sig == SIGINT || sig == SIGTERM)
			break;
		/* Many children may have ended for one signal. */
		while (call(sys_wait4, -1, 0, WNOHANG, 0) > 0)
			;
	}
	for (;;)
		call(sys_exit_group, 0, 0, 0, 0);
}
