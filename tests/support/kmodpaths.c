/*
 * Appended to testsuite/path.c of kmod's source: the calls on paths that Python makes and
 * kmod does not.  trap_path and the WRAP_ macros are that file's.
 */
#include <sys/statvfs.h>
#include <sys/time.h>

WRAP_1ARG(int, -1, rmdir)
WRAP_1ARG(int, -1, unlink)
WRAP_2ARGS(int, -1, access, int)
WRAP_2ARGS(int, -1, chmod, mode_t)
WRAP_2ARGS(int, -1, lstat, struct stat *)
WRAP_2ARGS(int, -1, lstat64, struct stat64 *)
WRAP_2ARGS(int, -1, statvfs, struct statvfs *)
WRAP_2ARGS(int, -1, statvfs64, struct statvfs64 *)

#define WRAP_TWO_PATHS(name)                                         \
	TS_EXPORT int name(const char *from, const char *to)         \
	{                                                            \
		static int (*real)(const char *, const char *);      \
		char old[PATH_MAX * 2], new[PATH_MAX * 2];           \
                                                                     \
		if (!get_rootpath(__func__))                         \
			return -1;                                   \
		real = get_libc_func(#name);                         \
		return real(trap_path(from, old), trap_path(to, new)); \
	}

WRAP_TWO_PATHS(link)
WRAP_TWO_PATHS(rename)

/* What a link holds stays as it is. */
TS_EXPORT int symlink(const char *target, const char *path)
{
	static int (*real)(const char *, const char *);
	char moved[PATH_MAX * 2];

	if (!get_rootpath(__func__))
		return -1;
	real = get_libc_func("symlink");
	return real(target, trap_path(path, moved));
}

TS_EXPORT ssize_t readlink(const char *path, char *target, size_t size)
{
	static ssize_t (*real)(const char *, char *, size_t);
	char moved[PATH_MAX * 2];

	if (!get_rootpath(__func__))
		return -1;
	real = get_libc_func("readlink");
	return real(trap_path(path, moved), target, size);
}

TS_EXPORT int utimensat(int at, const char *path, const struct timespec times[2], int flags)
{
	static int (*real)(int, const char *, const struct timespec *, int);
	char moved[PATH_MAX * 2];

	if (!get_rootpath(__func__))
		return -1;
	real = get_libc_func("utimensat");
	return real(at, trap_path(path, moved), times, flags);
}

TS_EXPORT int mkdirat(int at, const char *path, mode_t mode)
{
	static int (*real)(int, const char *, mode_t);
	char moved[PATH_MAX * 2];

	if (!get_rootpath(__func__))
		return -1;
	real = get_libc_func("mkdirat");
	return real(at, trap_path(path, moved), mode);
}
