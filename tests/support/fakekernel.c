/* A kernel for command-line tools, preloaded: its module calls are written down.
 *
 * FAKE_ROOT    /proc/modules, /proc/cmdline and /sys/module/ are read below it
 * FAKE_RELEASE what uname says
 *
 * $FAKE_ROOT/calls gets a line for each init_module, finit_module and delete_module;
 * $FAKE_ROOT/answers has lines "NAME ERRNO": what a call for that module returns.  A call
 * that succeeds shows in /sys/module and /proc/modules, users and holders too.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char *root(void) { const char *r = getenv("FAKE_ROOT"); return r ? r : ""; }

static const char *moved(const char *path, char *space)
{
	static const char *const ours[] = {"/proc/modules", "/proc/cmdline", "/sys/module", 0};
	for (int i = 0; path && ours[i]; i++)
		if (!strncmp(path, ours[i], strlen(ours[i]))) {
			snprintf(space, PATH_MAX, "%s%s", root(), path);
			return space;
		}
	return path;
}

#define REAL(type, name) static type real; if (!real) real = (type)dlsym(RTLD_NEXT, name)
#define OPEN(name)                                                             \
	int name(const char *path, int flags, ...)                             \
	{                                                                      \
		typedef int (*call)(const char *, int, ...);                   \
		char space[PATH_MAX]; va_list more; int mode;                  \
		REAL(call, #name);                                             \
		va_start(more, flags); mode = va_arg(more, int); va_end(more); \
		return real(moved(path, space), flags, mode);                  \
	}
#define OPENAT(name)                                                           \
	int name(int at, const char *path, int flags, ...)                     \
	{                                                                      \
		typedef int (*call)(int, const char *, int, ...);              \
		char space[PATH_MAX]; va_list more; int mode;                  \
		REAL(call, #name);                                             \
		va_start(more, flags); mode = va_arg(more, int); va_end(more); \
		return real(at, moved(path, space), flags, mode);              \
	}
#define ONE(type, name, rest_declared, rest)                                   \
	type name(const char *path rest_declared)                              \
	{                                                                      \
		typedef type (*call)(const char *rest_declared);               \
		char space[PATH_MAX];                                          \
		REAL(call, #name);                                             \
		return real(moved(path, space) rest);                          \
	}
#define COMMA ,
OPEN(open) OPEN(open64) OPEN(__open_2) OPEN(__open64_2)
OPENAT(openat) OPENAT(openat64) OPENAT(__openat_2) OPENAT(__openat64_2)
ONE(FILE *, fopen, COMMA const char *mode, COMMA mode)
ONE(FILE *, fopen64, COMMA const char *mode, COMMA mode)
ONE(DIR *, opendir, , )
ONE(int, access, COMMA int mode, COMMA mode)
ONE(int, stat, COMMA struct stat *status, COMMA status)
ONE(int, stat64, COMMA struct stat64 *status, COMMA status)
ONE(int, lstat, COMMA struct stat *status, COMMA status)
ONE(int, lstat64, COMMA struct stat64 *status, COMMA status)
int fstatat(int at, const char *path, struct stat *status, int flags)
{
	typedef int (*call)(int, const char *, struct stat *, int);
	char space[PATH_MAX];
	REAL(call, "fstatat");
	return real(at, moved(path, space), status, flags);
}
int fstatat64(int at, const char *path, struct stat64 *status, int flags)
{
	typedef int (*call)(int, const char *, struct stat64 *, int);
	char space[PATH_MAX];
	REAL(call, "fstatat64");
	return real(at, moved(path, space), status, flags);
}

int uname(struct utsname *name)
{
	typedef int (*call)(struct utsname *);
	REAL(call, "uname");
	int result = real(name);
	if (!result && getenv("FAKE_RELEASE"))
		snprintf(name->release, sizeof name->release, "%s", getenv("FAKE_RELEASE"));
	return result;
}

static FILE *below(const char *mode, const char *format, ...)
{
	char name[PATH_MAX], path[2 * PATH_MAX];
	va_list more;
	va_start(more, format); vsnprintf(name, sizeof name, format, more); va_end(more);
	snprintf(path, sizeof path, "%s/%s", root(), name);
	return fopen(path, mode);
}

static void write_down(const char *format, ...)
{
	FILE *calls = below("a", "calls");
	va_list more;
	if (!calls) return;
	va_start(more, format); vfprintf(calls, format, more); va_end(more);
	fclose(calls);
}

static int answer(const char *name)
{
	char line[512], wanted[256]; int code, found = 0;
	FILE *answers = below("r", "answers");
	if (!answers) return 0;
	while (!found && fgets(line, sizeof line, answers))
		if (sscanf(line, "%255s %d", wanted, &code) == 2 && !strcmp(wanted, name))
			found = code;
	fclose(answers);
	return found;
}

static int number(const char *module)
{
	int value = 0;
	FILE *file = below("r", "sys/module/%s/refcnt", module);
	if (!file) return -1;
	if (fscanf(file, "%d", &value) != 1) value = -1;
	fclose(file);
	return value;
}

static void say(const char *module, const char *name, const char *text)
{
	FILE *file = below("w", "sys/module/%s/%s", module, name);
	if (file) { fputs(text, file); fclose(file); }
}

static void count(const char *module, int more, const char *holder)
{
	char path[PATH_MAX], text[32]; int had = number(module);
	if (had < 0) return;
	snprintf(text, sizeof text, "%d\n", had + more);
	say(module, "refcnt", text);
	snprintf(path, sizeof path, "%s/sys/module/%s/holders/%s", root(), module, holder);
	if (more > 0) mkdir(path, 0755); else rmdir(path);
}

static void list_modules(void)
{
	char path[PATH_MAX]; struct dirent **names, **holders;
	FILE *file = below("w", "proc/modules");
	snprintf(path, sizeof path, "%s/sys/module", root());
	int many = scandir(path, &names, 0, alphasort);
	for (int i = 0; file && i < many; i++) {
		FILE *state = below("r", "sys/module/%s/initstate", names[i]->d_name);
		if (!state) continue;
		fclose(state);
		fprintf(file, "%s 16384 %d ", names[i]->d_name, number(names[i]->d_name));
		snprintf(path, sizeof path, "%s/sys/module/%s/holders", root(), names[i]->d_name);
		int users = scandir(path, &holders, 0, alphasort), told = 0;
		for (int j = 0; j < users; j++)
			if (holders[j]->d_name[0] != '.') told += fprintf(file, "%s,", holders[j]->d_name);
		fprintf(file, "%s Live 0x0000000000000000\n", told ? "" : "-");
	}
	if (file) fclose(file);
}

/* The value of a .modinfo entry, "" for none. */
static const char *field(const char *image, size_t size, const char *key)
{
	char wanted[64];
	wanted[0] = 0;
	snprintf(wanted + 1, sizeof wanted - 1, "%s=", key);
	const char *at = memmem(image, size, wanted, strlen(wanted + 1) + 1);
	return at ? at + strlen(wanted + 1) + 1 : "";
}

static int insert(const char *image, size_t size, const char *known)
{
	char name[256], path[PATH_MAX], uses[1024];
	snprintf(name, sizeof name, "%s", known ? known : field(image, size, "name"));
	int code = answer(name);
	if (!code && number(name) >= 0) code = EEXIST;
	if (code) return code;
	if (!name[0]) return ENOEXEC;
	snprintf(path, sizeof path, "%s/sys/module/%s", root(), name);
	mkdir(path, 0755);
	strcat(path, "/holders");
	mkdir(path, 0755);
	say(name, "initstate", "live\n");
	say(name, "refcnt", "0\n");
	say(name, "coresize", "16384\n");
	snprintf(uses, sizeof uses, "%s", field(image, size, "depends"));
	say(name, "uses", uses);
	for (char *one = strtok(uses, ","); one; one = strtok(0, ",")) count(one, 1, name);
	list_modules();
	return 0;
}

static int remove_one(const char *name, unsigned int flags)
{
	static const char *const files[] = {"initstate", "refcnt", "coresize", "uses", "holders", "", 0};
	char path[PATH_MAX], uses[1024] = "";
	int code = answer(name), users = number(name);
	if (code == EAGAIN) {          /* that often, then it is free */
		char line[64]; int left = 0;
		FILE *file = below("r", "busy");
		if (file) { if (fscanf(file, "%d", &left) != 1) left = 0; fclose(file); }
		if (left <= 0) code = 0;
		else { file = below("w", "busy"); snprintf(line, sizeof line, "%d\n", left - 1); fputs(line, file); fclose(file); }
	}
	if (code) return code;
	if (users < 0) return ENOENT;
	if (users > 0 && !(flags & O_TRUNC)) return EAGAIN;
	FILE *file = below("r", "sys/module/%s/uses", name);
	if (file) { if (!fgets(uses, sizeof uses, file)) uses[0] = 0; fclose(file); }
	for (char *one = strtok(uses, ","); one; one = strtok(0, ",")) count(one, -1, name);
	for (int i = 0; files[i]; i++) {
		snprintf(path, sizeof path, "%s/sys/module/%s/%s", root(), name, files[i]);
		if (unlink(path)) rmdir(path);
	}
	list_modules();
	return 0;
}

static int result_of(int code) { errno = code; return code ? -1 : 0; }

int init_module(void *image, unsigned long size, const char *parameters)
{
	write_down("init_module %lu [%s]\n", size, parameters);
	return result_of(insert(image, size, 0));
}

static int insert_file(int handle, const char *parameters, int flags)
{
	char link[64], path[PATH_MAX] = ""; struct stat status;
	snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
	if (readlink(link, path, sizeof path - 1) < 0 || fstat(handle, &status)) return result_of(EBADF);
	int code = answer("finit_module");
	write_down("finit_module %s [%s] %d\n", path, parameters, flags);
	if (code) return result_of(code);
	void *image = mmap(0, status.st_size, PROT_READ, MAP_PRIVATE, handle, 0);
	if (image == MAP_FAILED) return result_of(EINVAL);
	/* What is compressed (flag 4) has its name from the file's. */
	char *base = strrchr(path, '/') + 1;
	base[strcspn(base, ".")] = 0;
	code = insert(image, status.st_size, flags & 4 ? base : 0);
	munmap(image, status.st_size);
	return result_of(code);
}

int delete_module(const char *name, unsigned int flags)
{
	write_down("delete_module %s 0%o\n", name, flags);
	return result_of(remove_one(name, flags));
}

long syscall(long which, ...)
{
	typedef long (*call)(long, ...);
	long word[6]; va_list more;
	REAL(call, "syscall");
	va_start(more, which);
	for (int i = 0; i < 6; i++) word[i] = va_arg(more, long);
	va_end(more);
	if (which == SYS_init_module) return init_module((void *)word[0], word[1], (char *)word[2]);
	if (which == SYS_finit_module) return insert_file(word[0], (char *)word[1], word[2]);
	if (which == SYS_delete_module) return delete_module((char *)word[0], word[1]);
	if (which == SYS_syslog) { errno = EPERM; return -1; }
	return real(which, word[0], word[1], word[2], word[3], word[4], word[5]);
}
