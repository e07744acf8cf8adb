/* The child that becomes a container: the order of steps of caisson's plan, as plain calls. */
#define _GNU_SOURCE
#include "limit.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef MNT_DETACH
#define MNT_DETACH 2 /* <sys/mount.h>, which cannot be included together with <linux/mount.h> */
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

struct option {
	const char *key, *value; /* a value of NULL is a flag */
};

struct node {
	const char *name, *host;
	unsigned minor_of_mem, major;
};

static const struct node NODES[] = {
	{ "null", "/dev/null", 3, 1 },   { "zero", "/dev/zero", 5, 1 },       { "full", "/dev/full", 7, 1 },
	{ "random", "/dev/random", 8, 1 }, { "urandom", "/dev/urandom", 9, 1 }, { "tty", "/dev/tty", 0, 5 },
};
enum { NODE_COUNT = sizeof NODES / sizeof *NODES };

static const char *const LINKS[][2] = {
	{ "/proc/self/fd", "fd" },       { "/proc/self/fd/0", "stdin" }, { "/proc/self/fd/1", "stdout" },
	{ "/proc/self/fd/2", "stderr" }, { "/proc/kcore", "core" },      { "pts/ptmx", "ptmx" },
};

static const char *const MASKED[] = {
	"/proc/acpi",        "/proc/asound",      "/proc/interrupts", "/proc/kcore",       "/proc/keys",
	"/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",     "/proc/timer_list",  "/proc/timer_stats",
	"/sys/firmware",     "/sys/devices/virtual/powercap",
};

static const char *const ETC[][2] = {
	{ "/etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\tlimit\n" },
	{ "/etc/hostname", "limit\n" },
	{ "/etc/resolv.conf", "nameserver 10.255.255.53\n" },
};
enum { ETC_COUNT = sizeof ETC / sizeof *ETC };

static const char *const READ_ONLY[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger" };

/* A detached mount: visible nowhere until move_mount. */
static int make_mount(const char *type, const struct option *options, unsigned attributes)
{
	int context = syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	if (context < 0)
		return -1;
	for (; options && options->key; options++) {
		int command = options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
		if (syscall(SYS_fsconfig, context, command, options->key, options->value, 0) < 0)
			return -1;
	}
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	int mount = syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
	close(context);
	return mount;
}

/* Attaches a detached mount at a path of the new root that no link in the image can lead elsewhere. */
static int place(int mount, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int target = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
	if (target < 0 && errno == ENOENT && mkdirat(AT_FDCWD, path, 0755) == 0)
		target = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
	if (target < 0)
		return -1;
	int result = syscall(SYS_move_mount, mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	close(target);
	close(mount);
	return result;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t written = write(fd, text, strlen(text));
	close(fd);
	return written < 0 ? -1 : 0;
}

static int read_only(const char *path)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	if (syscall(SYS_mount, path, path, NULL, MS_BIND | MS_REC, NULL) < 0)
		return errno == ENOENT ? 0 : -1;
	return syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &attributes, sizeof attributes);
}

/* A directory is masked by an empty one, which is in nobody's way: it has no name any more when all are masked. */
static int mask(const char *path)
{
	int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0 && errno == ENOENT)
		return 0;
	if (directory < 0 && errno != ENOTDIR)
		return -1;
	return syscall(SYS_mount, directory < 0 ? "/dev/null" : "/dev/.masked", path, NULL, MS_BIND, NULL);
}

/* A file of the container's own, in the memory of its /dev, below where devpts will be. */
static int make_file(int index)
{
	static const char *const NAMES[ETC_COUNT] = { "/dev/pts/0", "/dev/pts/1", "/dev/pts/2" };
	const char *text = ETC[index][1];
	int fd = open(NAMES[index], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return -1;
	int tree = syscall(SYS_open_tree, fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	close(fd);
	return tree;
}

static int loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int result = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return result;
}

/* A fresh sysfs shows the devices of a network namespace and so needs one that is ours; without, the host's is bound. */
static int make_sysfs(bool netns)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	if (netns)
		return make_mount("sysfs", NULL, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	int tree = syscall(SYS_open_tree, AT_FDCWD, "/sys", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) < 0)
		return -1;
	return tree;
}

int become_container(void *argument)
{
	const struct container *self = argument;
	static const struct option DEV[] = { { "mode", "755" }, { "size", "65536k" }, { NULL, NULL } };
	static const struct option SHM[] = { { "mode", "1777" }, { "size", "64m" }, { NULL, NULL } };
	static const struct option PTS[] = {
		{ "newinstance", NULL }, { "ptmxmode", "0666" }, { "mode", "0620" }, { "gid", "5" }, { NULL, NULL },
	};
	/* Group 5 (tty) exists only where it is mapped: the list is cut before it. */
	static const struct option PTS_UNMAPPED[] = {
		{ "newinstance", NULL }, { "ptmxmode", "0666" }, { "mode", "0620" }, { NULL, NULL },
	};
	const unsigned safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	int proc, sys, dev, pts, mqueue, shm, nodes[NODE_COUNT], etc[ETC_COUNT];

	STEP(prctl(PR_SET_PDEATHSIG, SIGKILL));
	if (self->rootless) {
		STEP(write_file("/proc/self/setgroups", "deny"));
		STEP(write_file("/proc/self/uid_map", self->id_map[0]));
		STEP(write_file("/proc/self/gid_map", self->id_map[1]));
	}
	STEP(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
	umask(0);
	STEP(syscall(SYS_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	STEP(syscall(SYS_mount, "overlay", self->directory, "overlay", 0, self->overlay));

	STEP(proc = make_mount("proc", NULL, safe));
	STEP(sys = make_sysfs(self->netns));
	STEP(dev = make_mount("tmpfs", DEV, MOUNT_ATTR_NOSUID));
	STEP(pts = make_mount("devpts", self->rootless ? PTS_UNMAPPED : PTS, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
	STEP(mqueue = make_mount("mqueue", NULL, safe));
	STEP(shm = make_mount("tmpfs", SHM, safe));
	for (int i = 0; self->rootless && i < NODE_COUNT; i++)
		STEP(nodes[i] = syscall(SYS_open_tree, AT_FDCWD, NODES[i].host, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));

	STEP(chdir(self->directory));
	STEP(syscall(SYS_pivot_root, ".", "."));
	STEP(syscall(SYS_umount2, ".", MNT_DETACH));
	STEP(chdir("/"));

	STEP(place(proc, "/proc"));
	STEP(place(sys, "/sys"));
	STEP(place(dev, "/dev"));
	STEP(mkdirat(AT_FDCWD, "/dev/pts", 0755));
	for (int i = 0; i < ETC_COUNT; i++)
		STEP(etc[i] = make_file(i));
	STEP(place(pts, "/dev/pts"));
	STEP(place(mqueue, "/dev/mqueue"));
	STEP(place(shm, "/dev/shm"));
	STEP(chdir("/dev"));
	for (int i = 0; i < NODE_COUNT; i++) {
		mode_t type = self->rootless ? S_IFREG : S_IFCHR;
		STEP(mknodat(AT_FDCWD, NODES[i].name, type | 0666, makedev(NODES[i].major, NODES[i].minor_of_mem)));
		if (self->rootless)
			STEP(place(nodes[i], NODES[i].name));
	}
	for (size_t i = 0; i < sizeof LINKS / sizeof *LINKS; i++)
		STEP(symlinkat(LINKS[i][0], AT_FDCWD, LINKS[i][1]));
	STEP(chdir("/"));
	STEP(mkdirat(AT_FDCWD, "/dev/.masked", 0555));
	for (size_t i = 0; i < sizeof MASKED / sizeof *MASKED; i++)
		STEP(mask(MASKED[i]));
	STEP(unlinkat(AT_FDCWD, "/dev/.masked", AT_REMOVEDIR));
	for (size_t i = 0; i < sizeof READ_ONLY / sizeof *READ_ONLY; i++)
		STEP(read_only(READ_ONLY[i]));
	for (int i = 0; i < ETC_COUNT; i++)
		STEP(place(etc[i], ETC[i][0]));

	if (self->netns)
		STEP(loopback_up());
	STEP(sethostname("limit", 5));
	umask(022);
	STEP(setsid());
	return run_true(self->stdout_fd, self->stderr_fd, self->rootless);
}

int run_true(int stdout_fd, int stderr_fd, bool rootless)
{
	/* AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT */
	static const uint64_t kept = 0xa80425fb;
	static char *const argv[] = { "true", NULL };
	static char *const environment[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct capabilities[2] = {
		{ .effective = (uint32_t)kept, .permitted = (uint32_t)kept },
		{ .effective = kept >> 32, .permitted = kept >> 32 },
	};
	static const char *const SEARCHED[] = {
		"/usr/local/sbin/true", "/usr/local/bin/true", "/usr/sbin/true", "/usr/bin/true", "/sbin/true",
	};
	static const unsigned long default_action[4]; /* SIG_DFL, no flags, no mask: as the kernel has it, not libc */
	static const gid_t root = 0;
	sigset_t none;
	int null;

	STEP(null = open("/dev/null", O_RDONLY | O_CLOEXEC));
	STEP(dup2(null, 0));
	STEP(dup2(stdout_fd, 1));
	STEP(dup2(stderr_fd, 2));
	/* EINVAL is the first number this kernel has no capability for. */
	for (int capability = 0; capability < 64; capability++)
		if (!(kept >> capability & 1) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			break;
	if (!rootless)
		STEP(syscall(SYS_setgroups, 1, &root));
	STEP(syscall(SYS_setresgid, root, root, root));
	STEP(syscall(SYS_setresuid, root, root, root));
	STEP(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	STEP(syscall(SYS_capset, &header, capabilities));
	for (int number = 1; number <= 64; number++)
		syscall(SYS_rt_sigaction, number, &default_action, NULL, 8);
	sigemptyset(&none);
	STEP(sigprocmask(SIG_SETMASK, &none, NULL));
	STEP(syscall(SYS_close_range, 3, ~0U, 0));
	for (size_t i = 0; i < sizeof SEARCHED / sizeof *SEARCHED; i++)
		execve(SEARCHED[i], argv, environment);
	STEP(execve("/bin/true", argv, environment));
	return 127;
}
