"""THE table of the lines that the kernel's module loader prints.

One row a message: code, severity, pattern, meaning, next step.  The order is the
priority: of a load's lines the first row that occurs names the cause, so that the
special line (``disagrees about version``) beats the ``Unknown symbol`` that follows.
``note`` rows are noise that every load may print; they explain nothing.

Source: kernel/module.c (2.6.32 to 6.3), kernel/module/*.c, kernel/params.c,
arch/*/kernel/module.c.
"""

_M = r"^(?:module[: ]+)?(?P<module>[^\s:`']+): "
_S = r"(?P<symbol>[^\s()]+)"
_O = r"(?P<owner>[^\s()]+?)"
_REBUILD = "rebuild it against the headers of the running kernel"
_DAMAGED = "push the module again; its file is not what the compiler wrote"

ROWS = (
    (
        "kernel-crash",
        "error",
        r"^(?:BUG: |Oops: |general protection|Internal error: |Unable to handle)",
        "the kernel crashed while the module was loaded",
        "reboot the box; do not load this file again",
    ),
    (
        "vermagic-mismatch",
        "error",
        _M + r"version magic '(?P<had>[^']*)' should be '(?P<should>[^']*)'",
        "it was built for another kernel: %(words)s",
        _REBUILD,
    ),
    (
        "module-layout-mismatch",
        "error",
        _M
        + r"disagrees about version of symbol "
        + r"(?P<symbol>(?:module_layout|struct_module))$",
        "it was built against another configuration of the kernel",
        _REBUILD,
    ),
    (
        "crc-mismatch",
        "error",
        _M + "disagrees about version of symbol " + _S + "$",
        'its CRC of "%(symbol)s" is not the one of the exporting module or kernel',
        "rebuild it with the Module.symvers of what it uses",
    ),
    (
        "no-symbol-version",
        "error",
        _M + "no (?:extended )?symbol version for " + _S + "$",
        'it carries no CRC for "%(symbol)s"',
        "rebuild it with KBUILD_EXTRA_SYMBOLS naming the exporter's Module.symvers",
    ),
    (
        "namespace-not-imported",
        "error",
        _M
        + r"module uses symbol \(?(?P<symbol>[^\s()]+)\)? from namespace"
        + r" (?P<namespace>[^,]+), but does not import it",
        '"%(symbol)s" is in the namespace %(namespace)s, which it does not import',
        "add MODULE_IMPORT_NS to its source and rebuild it",
    ),
    (
        "module-namespace",
        "error",
        _M + r"module tries to import module namespace: (?P<namespace>\S+)",
        "the exporter does not name it among the modules that may use %(namespace)s",
        "add the module to the exporter's EXPORT_SYMBOL_FOR_MODULES",
    ),
    (
        "license",
        "error",
        _M
        + r"module using GPL-only symbols uses symbols (?:(?P<symbol>\S+) )?"
        + r"from proprietary module (?P<owner>\S+?)\.$",
        "it is GPL and may not use symbols of the proprietary module %(owner)s",
        "use a build of %(owner)s with a GPL-compatible licence",
    ),
    (
        "owner-starting",
        "error",
        _M + r"gave up waiting for init of module " + _O + r"\.$",
        "%(owner)s was still in its init after 30 s",
        "see why %(owner)s does not finish: modferry klog --on BOX",
    ),
    (
        "duplicate-export",
        "error",
        _M + "exports duplicate symbol " + _S + r" \(owned by " + _O + r"\)",
        'it exports "%(symbol)s", which %(owner)s exports already',
        "unload %(owner)s first: the two cannot be loaded together",
    ),
    (
        "unknown-symbol",
        "error",
        _M + "Unknown symbol " + _S + r"(?: \(err (?P<err>-?\d+)\))?$",
        'nothing that is loaded exports "%(symbol)s" to it',
        "modferry diagnose MODULE --on BOX names the module that exports it",
    ),
    (
        "unknown-parameter",
        "error",
        _M + r"Unknown parameter `(?P<parameter>[^']*)'",
        'it has no parameter "%(parameter)s"',
        "see its parameters: modinfo -p MODULE; and the options lines in modprobe.d",
    ),
    (
        "bad-parameter",
        "error",
        _M
        + r"`(?P<value>[^']*)' (?:invalid|too large) for "
        + r"parameter `(?P<parameter>[^']*)'",
        'the value "%(value)s" is not valid for its parameter "%(parameter)s"',
        "see its parameters: modinfo -p MODULE",
    ),
    (
        "bad-parameter",
        "error",
        _M + r"(?:can only take \d+ arguments|string parameter too long)",
        "the value of one of its parameters is too long",
        "see its parameters: modinfo -p MODULE",
    ),
    (
        "blacklisted-by-kernel",
        "error",
        r"^Module (?P<module>\S+) is blacklisted",
        "the kernel's command line forbids it (module_blacklist=)",
        "take it out of module_blacklist in the boot loader and reboot",
    ),
    (
        "lockdown",
        "error",
        r"^Lockdown: .*unsigned module loading is restricted",
        "kernel lockdown (secure boot) refuses modules that are not signed",
        "sign the module with a key the kernel trusts, or boot without lockdown",
    ),
    (
        "signature",
        "error",
        r"^Loading of (?P<what>unsigned module|module with \S+ \S+) is rejected"
        r"|^Request for unknown module key",
        "the kernel loads only modules signed with a key it trusts",
        "sign the module, or boot without module.sig_enforce",
    ),
    (
        "already-loaded",
        "error",
        _M + "module is already loaded",
        "a module of that name is built in, or half unloaded",
        "modferry unload MODULE --on BOX, or nothing if it is built in",
    ),
    (
        "wrong-architecture",
        "error",
        r"^Invalid architecture in ELF header: (?P<machine>\d+)",
        "it was built for another kind of processor (ELF machine %(machine)s)",
        _REBUILD,
    ),
    (
        "not-a-module",
        "error",
        r"(?:No module found in object|linkonce\.this_module section must exist"
        r"|Only one \.gnu\.linkonce\.this_module|^Invalid ELF header (?:magic|type))",
        "it is no kernel module",
        "give the .ko file that the kernel's build wrote, not the .o",
    ),
    (
        "module-layout-mismatch",
        "error",
        r"this_module section size must match",
        "its struct module has another size than the running kernel's",
        _REBUILD,
    ),
    (
        "stripped-module",
        "error",
        _M + r"module has no symbols \(stripped\?\)",
        "its symbol table was stripped off",
        "strip with -g only, or push the unstripped module",
    ),
    (
        "newer-assembler",
        "error",
        r"Unknown rela relocation: 4$",
        "binutils 2.31 or newer assembled it, whose calls (R_X86_64_PLT32) kernels"
        " before 4.16 do not know",
        "build it with the binutils of the kernel's own age",
    ),
    (
        "relocation-range",
        "error",
        r"(?:relocation out of range|relocation \d+ out of range|REL24 -?\d+ out of"
        r"|relocation overflow|can not be addressed by the"
        r"|unsupported interworking call)",
        "it lies too far from what it calls: the area for modules is full, or it was"
        " not built by the kernel's own build system",
        "load it earlier after a boot; on ARM, a kernel with CONFIG_ARM_MODULE_PLTS=y"
        " takes it; else rebuild it",
    ),
    (
        "section-flags",
        "error",
        _M + r"section \S+ \(index \d+\) has invalid WRITE\|EXEC flags",
        "a section of it is writable and executable at once, which this kernel refuses",
        "rebuild it with the kernel's own build system",
    ),
    (
        "relocation",
        "error",
        r"(?:[Uu]nknown rel|elocation type|nvalid relocation target|relocation (?:error"
        r"|out of range|overflow|unsupported)|relocation \d+ out of range|unsupported R"
        r"|dangerous R_|REL24|bad TOC16|mcmodel=kernel|out of bounds relocation"
        r"|non add relocation not|bad relocation sym offset|PLT section\(s\) missing"
        r"|doesn't contain \.|after relocate, got|Expected nop after call)",
        "the kernel cannot relocate it: another tool chain, or a damaged file",
        "rebuild it with the kernel's own build system and compiler; or push it again",
    ),
    (
        "damaged-module",
        "error",
        r"(?:^Module len \d+ truncated|^Invalid ELF|^ELF Spec violation|empty section"
        r" name table|^Module has invalid ELF|symbol string table|symbol name out of"
        r"|has an invalid section index|please compile with -fno-common)",
        "its file is damaged or cut",
        _DAMAGED,
    ),
    (
        "out-of-memory",
        "error",
        r"(?:[Cc]ould not allocate \d+ bytes percpu|execmem: unable to allocate"
        r"|^vmap allocation for size|: out of memory loading)",
        "the kernel has no room for it",
        "free memory, or boot with a larger vmalloc= on a 32-bit box",
    ),
    (
        "bad-compression",
        "error",
        r"(?:not an xz compressed module|decompression failed with status)",
        "the kernel could not decompress it",
        _DAMAGED,
    ),
    (
        "livepatch",
        "error",
        "marked as livepatch module, but livepatch support is disabled",
        "it is a livepatch, and this kernel has no livepatch support",
        "boot a kernel with CONFIG_LIVEPATCH=y",
    ),
    (
        "parameter-ignored",
        "warning",
        _M
        + r"(?:unknown parameter '(?P<parameter>[^']*)'|parameters '(?P<value>[^']*)'"
        r" after `--') ignored",
        'it was loaded without the parameter "%(parameter)s%(value)s", unknown to it',
        "see its parameters: modinfo -p MODULE",
    ),
    (
        "odd-init",
        "warning",
        r"init suspiciously returned|loading module anyway",
        "its init returned a positive number, which means nothing",
        "mend its init function",
    ),
    (
        "taint",
        "note",
        r"taints kernel|tainting kernel|kernel tainted\.|due to kernel taint"
        r"|staging directory|loading test module|compiled with retpoline|Spectre V2"
        r"|not signed with expected PKCS#7|, inheriting taint\.$"
        r"|used by a non-GPL module, which will not|marked as UNUSED",
        "the kernel marks itself tainted, or warns; no load fails by it",
        "",
    ),
)
