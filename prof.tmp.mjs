var __create = Object.create;
var __defProp = Object.defineProperty;
var __getOwnPropDesc = Object.getOwnPropertyDescriptor;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __getProtoOf = Object.getPrototypeOf;
var __hasOwnProp = Object.prototype.hasOwnProperty;
var __esm = (fn, res) => function __init() {
  return fn && (res = (0, fn[__getOwnPropNames(fn)[0]])(fn = 0)), res;
};
var __commonJS = (cb, mod) => function __require() {
  return mod || (0, cb[__getOwnPropNames(cb)[0]])((mod = { exports: {} }).exports, mod), mod.exports;
};
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};
var __copyProps = (to, from, except, desc) => {
  if (from && typeof from === "object" || typeof from === "function") {
    for (let key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(to, key) && key !== except)
        __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  }
  return to;
};
var __toESM = (mod, isNodeMode, target) => (target = mod != null ? __create(__getProtoOf(mod)) : {}, __copyProps(
  // If the importer is in node compatibility mode or this is not an ESM
  // file that has been converted to a CommonJS file using a Babel-
  // compatible transform (i.e. "__esModule" has not been set), then set
  // "default" to the CommonJS "module.exports" for node compatibility.
  isNodeMode || !mod || !mod.__esModule ? __defProp(target, "default", { value: mod, enumerable: true }) : target,
  mod
));

// syscalls/error.ts
import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";
function errnoName(errno) {
  names ??= new Map(
    Object.entries(constants.errno).toReversed().map(([name, value]) => [value, name])
  );
  return names.get(errno) ?? `E${errno}`;
}
function errnoNumber(name) {
  const value = constants.errno[name];
  if (value === void 0) throw new TypeError(`unknown error name '${name}'`);
  return value;
}
function hasCode(error, ...codes) {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
function formatFailure({ errno, syscall, path, dest, purpose, hint: hint2 }) {
  const description = getSystemErrorMap().get(-errno)?.[1];
  const target = [path, dest].filter((name) => name !== void 0).map((name) => `'${name}'`);
  return [
    purpose === void 0 ? "" : `${purpose}: `,
    description === void 0 ? errnoName(errno) : `${errnoName(errno)}: ${description}`,
    `, ${syscall}`,
    target.length > 0 ? ` ${target.join(" -> ")}` : "",
    hint2 === void 0 ? "" : ` (${hint2})`
  ].join("");
}
function withoutUndefined(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== void 0));
}
var SyscallError, CaissonError, names;
var init_error = __esm({
  "syscalls/error.ts"() {
    "use strict";
    SyscallError = class extends Error {
      name = "SyscallError";
      code;
      errno;
      syscall;
      constructor(failure) {
        super(formatFailure(failure));
        this.code = errnoName(failure.errno);
        this.errno = -failure.errno;
        this.syscall = failure.syscall;
        const { path, dest, step, purpose, hint: hint2 } = failure;
        Object.assign(this, withoutUndefined({ path, dest, step, purpose, hint: hint2 }));
      }
    };
    CaissonError = class extends Error {
      name = "CaissonError";
      code;
      constructor(code2, message, { hint: hint2, cause, exitCode } = {}) {
        super(hint2 === void 0 ? message : `${message} (${hint2})`, cause === void 0 ? void 0 : { cause });
        this.code = code2;
        Object.assign(this, withoutUndefined({ hint: hint2, exitCode }));
      }
    };
  }
});

// syscalls/libc.ts
import { createRequire } from "node:module";
function loadKoffi() {
  koffi ??= requireKoffi();
  return koffi;
}
function architecture() {
  const { platform, arch } = process;
  if (platform === "linux" && (arch === "x64" || arch === "arm64")) return arch;
  throw new CaissonError(
    "UNSUPPORTED_PLATFORM",
    `caisson runs on Linux on x64 or arm64, not on ${platform} on ${arch}`,
    {
      hint: platform === "linux" ? void 0 : "run it in a Linux virtual machine or in WSL 2"
    }
  );
}
function bindSyscall(kinds) {
  library ??= loadKoffi().load(null);
  const types = kinds.map((kind) => kind === "integer" ? "long" : "void *");
  return library.func("syscall", "long", ["long", ...types]);
}
function lastErrno() {
  return loadKoffi().errno();
}
function requireKoffi() {
  architecture();
  try {
    return require2("koffi");
  } catch (cause) {
    throw new CaissonError(
      "KOFFI_NOT_LOADED",
      `koffi could not be loaded: ${cause.message.split("\n")[0]}`,
      {
        hint: "its binary comes from the optional package @koromix/koffi-linux-*: install without --omit=optional, on the machine that runs it",
        cause
      }
    );
  }
}
var require2, koffi, library;
var init_libc = __esm({
  "syscalls/libc.ts"() {
    "use strict";
    init_error();
    require2 = createRequire(import.meta.url);
  }
});

// syscalls/memory.ts
function memory(bytes, pointers = [], describe2) {
  return { kind: "memory", bytes, pointers, describe: describe2 };
}
function stringArray(strings) {
  const pointers = strings.map((to, index) => ({ offset: index * 8, to }));
  return memory(new Uint8Array((strings.length + 1) * 8), pointers, () => JSON.stringify(strings));
}
function variable(name) {
  return { kind: "variable", name };
}
function addressOf(of) {
  return { kind: "address", of };
}
function isKind(value, kind) {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === kind;
}
function assertNoNul(value, what) {
  if (value.includes("\0")) {
    throw new TypeError(`${what} must not contain a NUL character, got ${JSON.stringify(value)}`);
  }
}
function formatArgument(value) {
  if (value === null) return "NULL";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object") return String(value);
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  if (value.kind === "variable") return value.name;
  if (value.kind === "address") return `&${value.of.name}`;
  return value.describe?.() ?? `<${value.bytes.length} bytes>`;
}
var init_memory = __esm({
  "syscalls/memory.ts"() {
    "use strict";
  }
});

// syscalls/materialize.ts
function materialize(value, keepAlive) {
  if (isKind(value, "variable") || isKind(value, "address")) {
    throw new TypeError("a variable of a plan has no value in a direct call");
  }
  if (!isKind(value, "memory")) return value;
  if (value.pointers.length === 0) return value.bytes;
  const bytes = Uint8Array.from(value.bytes);
  const view = new DataView(bytes.buffer);
  for (const { offset, to } of value.pointers) {
    view.setBigUint64(offset, addressIn(to, keepAlive), true);
  }
  keepAlive.push(bytes);
  return bytes;
}
function addressIn(value, keepAlive) {
  const target = typeof value === "string" ? Buffer.from(`${value}\0`) : materialize(value, keepAlive);
  if (target === null) return 0n;
  if (typeof target === "number" || typeof target === "bigint") return BigInt.asUintN(64, BigInt(target));
  keepAlive.push(target);
  return BigInt(loadKoffi().address(target));
}
var init_materialize = __esm({
  "syscalls/materialize.ts"() {
    "use strict";
    init_libc();
    init_memory();
  }
});

// syscalls/names.ts
function oneOf(table) {
  return { oneOf: table };
}
function formatNumber(value, names2, format = String) {
  const table = isOneOf(names2) ? names2.oneOf : names2;
  const exact = Object.entries(table).find(([, known]) => BigInt(known) === BigInt(value));
  if (exact !== void 0) return exact[0];
  return isOneOf(names2) || value < 0 ? format(value) : formatFlags(BigInt(value), table, format);
}
function formatMode(mode) {
  return `0${mode.toString(8).padStart(3, "0")}`;
}
function formatFlags(value, table, format) {
  let rest = value;
  const found = [];
  for (const [name, flag] of Object.entries(table)) {
    const bits = BigInt(flag);
    if (bits > 0n && (rest & bits) === bits) {
      found.push(name);
      rest &= ~bits;
    }
  }
  return [...found, ...rest === 0n && found.length > 0 ? [] : [format(rest)]].join("|");
}
function isOneOf(names2) {
  return typeof names2.oneOf === "object";
}
var init_names = __esm({
  "syscalls/names.ts"() {
    "use strict";
  }
});

// syscalls/prototype.ts
function parsePrototype(prototype) {
  const match = /^[\w\s*]*?(\w+)\s*\((.*)\)$/s.exec(prototype.trim());
  if (match === null) throw new TypeError(`not a C prototype: ${prototype}`);
  const [, name, list2] = match;
  const parameters = list2.trim() === "void" || list2.trim() === "" ? [] : list2.split(",").map(parseParameter);
  return { name, parameters };
}
function parseParameter(text) {
  const match = /^(.*?)(\w+)\s*(\[\w*\])?$/s.exec(text.trim());
  const [, declared, name, array] = match;
  const type = `${declared.replace(/\b(const|restrict|_Nullable|struct|union)\b/g, "")}${array === void 0 ? "" : "*"}`.replace(/\s+/g, " ").trim();
  if (POINTER_TYPE.test(type)) {
    const isPath = type === "char *" && PATH_NAMES.test(name);
    return { name, type, isPointer: true, isWord: false, isPath, min: 0, max: 0xffffffffffffffffn };
  }
  if (type === "unsigned long" && /^arg\d?$/.test(name)) {
    const min = -0x8000000000000000n;
    return { name, type, isPointer: false, isWord: true, isPath: false, min, max: 0xffffffffffffffffn };
  }
  const range = RANGES.find(([pattern]) => pattern.test(type));
  if (range === void 0) throw new TypeError(`unknown C type '${type}' of ${name}`);
  return { name, type, isPointer: false, isWord: false, isPath: false, min: range[1], max: range[2] };
}
var PATH_NAMES, POINTER_TYPE, RANGES;
var init_prototype = __esm({
  "syscalls/prototype.ts"() {
    "use strict";
    PATH_NAMES = /^(path|pathname|filename|target|source|special_file|linkpath|oldpath|newpath|new_root|put_old|from_pathname|to_pathname)$/;
    POINTER_TYPE = /\*|^cap_user_(header|data)_t$/;
    RANGES = [
      [/^(unsigned|unsigned int|mode_t|uid_t|gid_t|uint32_t|dev_t|socklen_t)$/, 0, 4294967295],
      [/^(int|pid_t|clockid_t|key_serial_t|idtype_t)$/, -2147483648, 2147483647],
      [/^(unsigned long|size_t|uint64_t|nfds_t)$/, 0, 0xffffffffffffffffn],
      // id_t is unsigned in POSIX; waitid(2) takes pids and descriptors in it.
      [/^(long|ssize_t|off_t|int64_t|id_t)$/, -0x8000000000000000n, 0x7fffffffffffffffn]
    ];
  }
});

// syscalls/define.ts
function define(prototype, numbers, flags = {}) {
  let parsed;
  const parse = () => {
    parsed ??= parsePrototype(prototype);
    return parsed;
  };
  const call = ((...args) => perform(call, args));
  const step = (purpose, args, options = {}) => {
    checkArguments(call, args);
    return { kind: "call", call, args, purpose, ...options };
  };
  const perArchitecture = typeof numbers === "number" ? { x64: numbers, arm64: numbers } : numbers;
  Object.assign(call, { prototype, numbers: perArchitecture, flags, step });
  Object.defineProperty(call, "syscall", { get: () => parse().name, enumerable: true });
  Object.defineProperty(call, "parameters", { get: () => parse().parameters, enumerable: true });
  return call;
}
function numberOf({ syscall, numbers }, arch) {
  const number = numbers[arch];
  if (number === void 0) throw new TypeError(`there is no system call ${syscall} on ${arch}`);
  return number;
}
function pathsOf({ parameters }, args) {
  const [path, dest] = parameters.map(({ isPath }, index) => isPath ? args[index] : void 0).filter((value) => typeof value === "string" || value instanceof Uint8Array).map((value) => typeof value === "string" ? value : Buffer.from(value).toString("latin1").replace(/\0.*$/s, "")).filter((value) => value !== "");
  return { ...path === void 0 ? {} : { path }, ...dest === void 0 ? {} : { dest } };
}
function formatCall({ syscall, parameters, flags }, args) {
  const formatted = args.map((value, index) => {
    if (typeof value !== "number" && typeof value !== "bigint") return formatArgument(value);
    const { name, type } = parameters[index];
    return formatNumber(value, flags[name] ?? {}, type === "mode_t" ? formatMode : String);
  });
  return `${syscall}(${formatted.join(", ")})`;
}
function perform(declaration, args) {
  checkArguments(declaration, args);
  const keepAlive = [];
  const values = args.map((value) => materialize(value, keepAlive));
  const kinds = values.map((value) => typeof value === "number" || typeof value === "bigint" ? "integer" : "pointer");
  const result = bound(kinds)(numberOf(declaration, architecture()), ...values);
  if (result === -1) {
    throw new SyscallError({ errno: lastErrno(), syscall: declaration.syscall, ...pathsOf(declaration, args) });
  }
  keepAlive.length = 0;
  return Number(result);
}
function bound(kinds) {
  const key = kinds.join();
  let found = functions.get(key);
  if (found === void 0) {
    found = bindSyscall(kinds);
    functions.set(key, found);
  }
  return found;
}
function checkArguments({ syscall, parameters }, args) {
  if (args.length !== parameters.length) {
    throw new TypeError(`${syscall} takes ${parameters.length} arguments, got ${args.length}`);
  }
  args.forEach((value, index) => {
    const parameter = parameters[index];
    checkArgument(`${parameter.name} of ${syscall}`, parameter, value);
  });
}
function checkArgument(what, { isPointer, isWord, isPath, min, max }, value) {
  if (typeof value === "string") assertNoNul(value, what);
  if (isPath && value instanceof Uint8Array && (value.length === 0 || value.indexOf(0) !== value.length - 1)) {
    throw new TypeError(`${what} must end with a NUL and have no other`);
  }
  if (!((isPointer || isWord) && isPointerLike(value)) && !((!isPointer || isWord) && isIntegerLike(value))) {
    throw new TypeError(`${what} must be ${isPointer ? "a pointer" : "an integer"}, got ${formatArgument(value)}`);
  }
  if ((typeof value === "number" || typeof value === "bigint") && (value < min || value > max)) {
    throw new TypeError(`${what} must be from ${min} to ${max}, got ${value}`);
  }
}
function isPointerLike(value) {
  return value === 0 || typeof value === "bigint" || typeof value === "string" || typeof value === "object";
}
function isIntegerLike(value) {
  return Number.isSafeInteger(value) || typeof value === "bigint" || isKind(value, "variable");
}
var functions;
var init_define = __esm({
  "syscalls/define.ts"() {
    "use strict";
    init_error();
    init_libc();
    init_materialize();
    init_memory();
    init_names();
    init_prototype();
    functions = /* @__PURE__ */ new Map();
  }
});

// syscalls/struct.ts
function struct(name, members, names2 = {}) {
  const entries = Object.entries(members);
  const offsets = {};
  let end = 0;
  let widest = 1;
  for (const [member, type] of entries) {
    const { size: size2, alignment } = measure(type);
    offsets[member] = align(end, alignment);
    end = offsets[member] + size2;
    widest = Math.max(widest, alignment);
  }
  const size = align(end, widest);
  const array = (elements) => {
    const bytes = new Uint8Array(size * elements.length);
    const pointers = [];
    elements.forEach((values, index) => {
      for (const [member, value] of Object.entries(values)) {
        const type = members[member];
        if (type === void 0) throw new TypeError(`struct ${name} has no member '${member}'`);
        if (value === void 0 || value === null) continue;
        const place = { bytes, pointers, offset: index * size + offsets[member], what: `${member} of struct ${name}` };
        write(place, type, value);
      }
    });
    return memory(bytes, pointers, () => elements.map((values) => formatStruct(name, values, names2)).join(", "));
  };
  return {
    name,
    size,
    offsets,
    encode: (values) => array([values]),
    array,
    decode(bytes, at = 0) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at, size);
      const read2 = ([member, type]) => [
        member,
        readMember(view, offsets[member], type)
      ];
      return Object.fromEntries(entries.map(read2));
    }
  };
}
function measure(type) {
  if (type === "pointer") return { size: 8, alignment: 8 };
  const array = /^u8\[(\d+)\]$/.exec(type);
  if (array !== null) return { size: Number(array[1]), alignment: 1 };
  const size = Number(type.slice(1)) / 8;
  return { size, alignment: size };
}
function align(offset, alignment) {
  return Math.ceil(offset / alignment) * alignment;
}
function write({ bytes, pointers, offset, what }, type, value) {
  const { size } = measure(type);
  if (type.startsWith("u8[")) {
    bytes.set(arrayBytes(what, size, value), offset);
  } else if (typeof value === "number" || typeof value === "bigint") {
    assertFits(what, type, value);
    const view = new DataView(bytes.buffer);
    if (size === 8) view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), true);
    else if (size === 4) view.setUint32(offset, Number(value), true);
    else if (size === 2) view.setUint16(offset, Number(value), true);
    else view.setUint8(offset, Number(value));
  } else if (size === 8) {
    pointers.push({ offset, to: value });
  } else {
    throw new TypeError(`${what} must be an integer, got ${formatArgument(value)}`);
  }
}
function assertFits(what, type, value) {
  const bits = BigInt(measure(type).size * 8);
  const isSigned = type.startsWith("i");
  const min = isSigned ? -(1n << bits - 1n) : 0n;
  const max = isSigned ? (1n << bits - 1n) - 1n : (1n << bits) - 1n;
  const isInteger = typeof value === "bigint" || Number.isSafeInteger(value);
  if (!isInteger || value < min || value > max) {
    throw new TypeError(`${what} must be an integer from ${min} to ${max}, got ${value}`);
  }
}
function arrayBytes(what, size, value) {
  if (typeof value === "string") assertNoNul(value, what);
  const bytes = typeof value === "string" ? Buffer.from(`${value}\0`) : value;
  if (!(bytes instanceof Uint8Array))
    throw new TypeError(`${what} must be text or bytes, got ${formatArgument(value)}`);
  if (bytes.length > size) throw new TypeError(`${what} has ${size} bytes, got ${bytes.length}`);
  return bytes;
}
function readMember(view, offset, type) {
  switch (type) {
    case "u8":
      return view.getUint8(offset);
    case "u16":
      return view.getUint16(offset, true);
    case "i16":
      return view.getInt16(offset, true);
    case "u32":
      return view.getUint32(offset, true);
    case "i32":
      return view.getInt32(offset, true);
    case "i64":
      return view.getBigInt64(offset, true);
    case "u64":
    case "pointer":
      return view.getBigUint64(offset, true);
    default:
      return new Uint8Array(view.buffer.slice(view.byteOffset + offset, view.byteOffset + offset + measure(type).size));
  }
}
function formatStruct(name, values, names2) {
  const members = Object.entries(values).map(([member, value]) => {
    const isNumber = typeof value === "number" || typeof value === "bigint";
    return `${member}=${isNumber ? formatNumber(value, names2[member] ?? {}) : formatArgument(value ?? null)}`;
  });
  return `${name}{${members.join(", ")}}`;
}
var init_struct = __esm({
  "syscalls/struct.ts"() {
    "use strict";
    init_memory();
    init_names();
  }
});

// syscalls/credentials.ts
function encodeCapabilities({ effective, permitted, inheritable }) {
  const half = (index) => {
    const bits = (names2) => bitsOf(names2.map((name) => CAPABILITIES[name] - index * 32));
    return { effective: bits(effective), permitted: bits(permitted), inheritable: bits(inheritable) };
  };
  return USER_CAP_DATA.array([half(0), half(1)]);
}
function bitsOf(bits) {
  return bits.filter((bit) => bit >= 0 && bit < 32).reduce((mask2, bit) => (mask2 | 1 << bit) >>> 0, 0);
}
var _LINUX_CAPABILITY_VERSION_3, CAPABILITIES, KEYCTL_GET_KEYRING_ID, KEYCTL_JOIN_SESSION_KEYRING, KEYCTL_UPDATE, KEYCTL_REVOKE, KEYCTL_CHOWN, KEYCTL_SETPERM, KEYCTL_DESCRIBE, KEYCTL_CLEAR, KEYCTL_LINK, KEYCTL_UNLINK, KEYCTL_SEARCH, KEYCTL_READ, USER_CAP_HEADER, USER_CAP_DATA, setresuid, setresgid, setgroups, capget, capset, keyctl;
var init_credentials = __esm({
  "syscalls/credentials.ts"() {
    "use strict";
    init_define();
    init_names();
    init_struct();
    _LINUX_CAPABILITY_VERSION_3 = 537396514;
    CAPABILITIES = {
      CAP_CHOWN: 0,
      CAP_DAC_OVERRIDE: 1,
      CAP_DAC_READ_SEARCH: 2,
      CAP_FOWNER: 3,
      CAP_FSETID: 4,
      CAP_KILL: 5,
      CAP_SETGID: 6,
      CAP_SETUID: 7,
      CAP_SETPCAP: 8,
      CAP_LINUX_IMMUTABLE: 9,
      CAP_NET_BIND_SERVICE: 10,
      CAP_NET_BROADCAST: 11,
      CAP_NET_ADMIN: 12,
      CAP_NET_RAW: 13,
      CAP_IPC_LOCK: 14,
      CAP_IPC_OWNER: 15,
      CAP_SYS_MODULE: 16,
      CAP_SYS_RAWIO: 17,
      CAP_SYS_CHROOT: 18,
      CAP_SYS_PTRACE: 19,
      CAP_SYS_PACCT: 20,
      CAP_SYS_ADMIN: 21,
      CAP_SYS_BOOT: 22,
      CAP_SYS_NICE: 23,
      CAP_SYS_RESOURCE: 24,
      CAP_SYS_TIME: 25,
      CAP_SYS_TTY_CONFIG: 26,
      CAP_MKNOD: 27,
      CAP_LEASE: 28,
      CAP_AUDIT_WRITE: 29,
      CAP_AUDIT_CONTROL: 30,
      CAP_SETFCAP: 31,
      CAP_MAC_OVERRIDE: 32,
      CAP_MAC_ADMIN: 33,
      CAP_SYSLOG: 34,
      CAP_WAKE_ALARM: 35,
      CAP_BLOCK_SUSPEND: 36,
      CAP_AUDIT_READ: 37,
      CAP_PERFMON: 38,
      CAP_BPF: 39,
      CAP_CHECKPOINT_RESTORE: 40
    };
    KEYCTL_GET_KEYRING_ID = 0;
    KEYCTL_JOIN_SESSION_KEYRING = 1;
    KEYCTL_UPDATE = 2;
    KEYCTL_REVOKE = 3;
    KEYCTL_CHOWN = 4;
    KEYCTL_SETPERM = 5;
    KEYCTL_DESCRIBE = 6;
    KEYCTL_CLEAR = 7;
    KEYCTL_LINK = 8;
    KEYCTL_UNLINK = 9;
    KEYCTL_SEARCH = 10;
    KEYCTL_READ = 11;
    USER_CAP_HEADER = struct("__user_cap_header_struct", { version: "u32", pid: "i32" });
    USER_CAP_DATA = struct("__user_cap_data_struct", {
      effective: "u32",
      permitted: "u32",
      inheritable: "u32"
    });
    setresuid = define(
      "int setresuid(uid_t ruid, uid_t euid, uid_t suid)",
      { x64: 117, arm64: 147 }
    );
    setresgid = define(
      "int setresgid(gid_t rgid, gid_t egid, gid_t sgid)",
      { x64: 119, arm64: 149 }
    );
    setgroups = define("int setgroups(size_t size, const gid_t *list)", {
      x64: 116,
      arm64: 159
    });
    capget = define(
      "int capget(cap_user_header_t hdrp, cap_user_data_t datap)",
      { x64: 125, arm64: 90 }
    );
    capset = define(
      "int capset(cap_user_header_t hdrp, const cap_user_data_t datap)",
      { x64: 126, arm64: 91 }
    );
    keyctl = define(
      "long keyctl(int operation, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5)",
      { x64: 250, arm64: 219 },
      {
        operation: oneOf({
          KEYCTL_GET_KEYRING_ID,
          KEYCTL_JOIN_SESSION_KEYRING,
          KEYCTL_UPDATE,
          KEYCTL_REVOKE,
          KEYCTL_CHOWN,
          KEYCTL_SETPERM,
          KEYCTL_DESCRIBE,
          KEYCTL_CLEAR,
          KEYCTL_LINK,
          KEYCTL_UNLINK,
          KEYCTL_SEARCH,
          KEYCTL_READ
        })
      }
    );
  }
});

// syscalls/namespaces.ts
var CLONE_NEWTIME, CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_PIDFD, CLONE_VFORK, CLONE_PARENT, CLONE_THREAD, CLONE_NEWNS, CLONE_SYSVSEM, CLONE_PARENT_SETTID, CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_CLEAR_SIGHAND, CLONE_INTO_CGROUP, NS_GET_USERNS, NS_GET_PARENT, NS_GET_NSTYPE, NS_GET_OWNER_UID, NAMESPACE_FLAGS, CLONE_FLAGS, CLONE_ARGS, clone3, clone, unshare, setns;
var init_namespaces = __esm({
  "syscalls/namespaces.ts"() {
    "use strict";
    init_define();
    init_struct();
    CLONE_NEWTIME = 128;
    CLONE_VM = 256;
    CLONE_FS = 512;
    CLONE_FILES = 1024;
    CLONE_SIGHAND = 2048;
    CLONE_PIDFD = 4096;
    CLONE_VFORK = 16384;
    CLONE_PARENT = 32768;
    CLONE_THREAD = 65536;
    CLONE_NEWNS = 131072;
    CLONE_SYSVSEM = 262144;
    CLONE_PARENT_SETTID = 1048576;
    CLONE_CHILD_CLEARTID = 2097152;
    CLONE_CHILD_SETTID = 16777216;
    CLONE_NEWCGROUP = 33554432;
    CLONE_NEWUTS = 67108864;
    CLONE_NEWIPC = 134217728;
    CLONE_NEWUSER = 268435456;
    CLONE_NEWPID = 536870912;
    CLONE_NEWNET = 1073741824;
    CLONE_CLEAR_SIGHAND = 4294967296;
    CLONE_INTO_CGROUP = 8589934592;
    NS_GET_USERNS = 46849;
    NS_GET_PARENT = 46850;
    NS_GET_NSTYPE = 46851;
    NS_GET_OWNER_UID = 46852;
    NAMESPACE_FLAGS = {
      CLONE_NEWTIME,
      CLONE_NEWNS,
      CLONE_NEWCGROUP,
      CLONE_NEWUTS,
      CLONE_NEWIPC,
      CLONE_NEWUSER,
      CLONE_NEWPID,
      CLONE_NEWNET
    };
    CLONE_FLAGS = {
      CLONE_VM,
      CLONE_FS,
      CLONE_FILES,
      CLONE_SIGHAND,
      CLONE_PIDFD,
      CLONE_VFORK,
      CLONE_PARENT,
      CLONE_THREAD,
      CLONE_SYSVSEM,
      CLONE_PARENT_SETTID,
      CLONE_CHILD_CLEARTID,
      CLONE_CHILD_SETTID,
      ...NAMESPACE_FLAGS,
      CLONE_CLEAR_SIGHAND,
      CLONE_INTO_CGROUP
    };
    CLONE_ARGS = struct(
      "clone_args",
      {
        flags: "u64",
        pidfd: "u64",
        child_tid: "u64",
        parent_tid: "u64",
        exit_signal: "u64",
        stack: "u64",
        stack_size: "u64",
        tls: "u64",
        set_tid: "u64",
        set_tid_size: "u64",
        cgroup: "u64"
      },
      { flags: CLONE_FLAGS }
    );
    clone3 = define(
      "long clone3(struct clone_args *cl_args, size_t size)",
      435
    );
    clone = define(
      "long clone(unsigned long flags, void *stack, int *parent_tid, int *child_tid, unsigned long tls)",
      { x64: 56, arm64: 220 },
      { flags: CLONE_FLAGS }
    );
    unshare = define(
      "int unshare(int flags)",
      { x64: 272, arm64: 97 },
      { flags: NAMESPACE_FLAGS }
    );
    setns = define(
      "int setns(int fd, int nstype)",
      { x64: 308, arm64: 268 },
      { nstype: NAMESPACE_FLAGS }
    );
  }
});

// syscalls/sockets.ts
var AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_NONBLOCK, SOCK_CLOEXEC, SCM_RIGHTS, MSG_PEEK, MSG_CTRUNC, MSG_TRUNC, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_CMSG_CLOEXEC, SOL_SOCKET, SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP, IFF_LOOPBACK, IFF_RUNNING, FAMILIES, MESSAGE_FLAGS, IOVEC, MSGHDR, CMSGHDR, SOCKADDR_UN, SOCKADDR_NL, IFREQ, socket, socketpair, bind, connect, sendmsg, recvmsg;
var init_sockets = __esm({
  "syscalls/sockets.ts"() {
    "use strict";
    init_define();
    init_names();
    init_struct();
    AF_UNSPEC = 0;
    AF_UNIX = 1;
    AF_INET = 2;
    AF_INET6 = 10;
    AF_NETLINK = 16;
    AF_PACKET = 17;
    AF_VSOCK = 40;
    SOCK_DGRAM = 2;
    SOCK_SEQPACKET = 5;
    SOCK_NONBLOCK = 2048;
    SOCK_CLOEXEC = 524288;
    SCM_RIGHTS = 1;
    MSG_PEEK = 2;
    MSG_CTRUNC = 8;
    MSG_TRUNC = 32;
    MSG_DONTWAIT = 64;
    MSG_NOSIGNAL = 16384;
    MSG_CMSG_CLOEXEC = 1073741824;
    SOL_SOCKET = 1;
    SIOCGIFFLAGS = 35091;
    SIOCSIFFLAGS = 35092;
    IFF_UP = 1;
    IFF_LOOPBACK = 8;
    IFF_RUNNING = 64;
    FAMILIES = oneOf({ AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK });
    MESSAGE_FLAGS = { MSG_PEEK, MSG_CTRUNC, MSG_TRUNC, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_CMSG_CLOEXEC };
    IOVEC = struct("iovec", { iov_base: "pointer", iov_len: "u64" });
    MSGHDR = struct("msghdr", {
      msg_name: "pointer",
      msg_namelen: "u32",
      msg_iov: "pointer",
      msg_iovlen: "u64",
      msg_control: "pointer",
      msg_controllen: "u64",
      msg_flags: "u32"
    });
    CMSGHDR = struct("cmsghdr", { cmsg_len: "u64", cmsg_level: "i32", cmsg_type: "i32" });
    SOCKADDR_UN = struct("sockaddr_un", { sun_family: "u16", sun_path: "u8[108]" });
    SOCKADDR_NL = struct("sockaddr_nl", { nl_family: "u16", nl_pad: "u16", nl_pid: "u32", nl_groups: "u32" });
    IFREQ = struct(
      "ifreq",
      { ifr_name: "u8[16]", ifr_flags: "i16", _rest: "u8[22]" },
      { ifr_flags: { IFF_UP, IFF_LOOPBACK, IFF_RUNNING } }
    );
    socket = define(
      "int socket(int domain, int type, int protocol)",
      { x64: 41, arm64: 198 },
      { domain: FAMILIES }
    );
    socketpair = define(
      "int socketpair(int domain, int type, int protocol, int sv[2])",
      { x64: 53, arm64: 199 },
      { domain: FAMILIES }
    );
    bind = define(
      "int bind(int sockfd, const struct sockaddr *addr, socklen_t addrlen)",
      { x64: 49, arm64: 200 }
    );
    connect = define(
      "int connect(int sockfd, const struct sockaddr *addr, socklen_t addrlen)",
      { x64: 42, arm64: 203 }
    );
    sendmsg = define(
      "ssize_t sendmsg(int sockfd, const struct msghdr *msg, int flags)",
      { x64: 46, arm64: 211 },
      { flags: MESSAGE_FLAGS }
    );
    recvmsg = define(
      "ssize_t recvmsg(int sockfd, struct msghdr *msg, int flags)",
      { x64: 47, arm64: 212 },
      { flags: MESSAGE_FLAGS }
    );
  }
});

// syscalls/terminal.ts
var TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCSCTTY, TIOCGPGRP, TIOCSPGRP, TIOCGWINSZ, TIOCSWINSZ, TIOCNOTTY, TIOCGPTN, TIOCSPTLCK, TIOCGPTPEER, TERMINAL_OPERATIONS, WINSIZE, TERMIOS;
var init_terminal = __esm({
  "syscalls/terminal.ts"() {
    "use strict";
    init_struct();
    TCGETS = 21505;
    TCSETS = 21506;
    TCSETSW = 21507;
    TCSETSF = 21508;
    TIOCSCTTY = 21518;
    TIOCGPGRP = 21519;
    TIOCSPGRP = 21520;
    TIOCGWINSZ = 21523;
    TIOCSWINSZ = 21524;
    TIOCNOTTY = 21538;
    TIOCGPTN = 2147767344;
    TIOCSPTLCK = 1074025521;
    TIOCGPTPEER = 21569;
    TERMINAL_OPERATIONS = {
      TCGETS,
      TCSETS,
      TCSETSW,
      TCSETSF,
      TIOCSCTTY,
      TIOCGPGRP,
      TIOCSPGRP,
      TIOCGWINSZ,
      TIOCSWINSZ,
      TIOCNOTTY,
      TIOCGPTN,
      TIOCSPTLCK,
      TIOCGPTPEER
    };
    WINSIZE = struct("winsize", { ws_row: "u16", ws_col: "u16", ws_xpixel: "u16", ws_ypixel: "u16" });
    TERMIOS = struct("termios", {
      c_iflag: "u32",
      c_oflag: "u32",
      c_cflag: "u32",
      c_lflag: "u32",
      c_line: "u8",
      c_cc: "u8[19]"
    });
  }
});

// syscalls/files.ts
import { constants as constants2 } from "node:fs";
function makedev(major, minor) {
  const fits = (value, max) => Number.isInteger(value) && value >= 0 && value <= max;
  if (!fits(major, 4095)) throw new TypeError(`the major number of a device must be from 0 to 4095, got ${major}`);
  if (!fits(minor, 1048575))
    throw new TypeError(`the minor number of a device must be from 0 to 1048575, got ${minor}`);
  return ((minor & 1048320) << 12 | major << 8 | minor & 255) >>> 0;
}
var O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC, O_APPEND, O_NONBLOCK, O_DSYNC, O_NOATIME, O_CLOEXEC, O_SYNC, O_PATH, O_DIRECT, O_DIRECTORY, O_NOFOLLOW, O_TMPFILE, FD_CLOEXEC, F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN, F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, AT_NO_AUTOMOUNT, AT_EMPTY_PATH, AT_RECURSIVE, RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_CACHED, CLOSE_RANGE_UNSHARE, CLOSE_RANGE_CLOEXEC, MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_HUGETLB, MFD_NOEXEC_SEAL, MFD_EXEC, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT, SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, S_IFSOCK, S_IFLNK, S_IFREG, S_IFBLK, S_IFDIR, S_IFCHR, S_IFIFO, S_ISUID, S_ISGID, S_ISVTX, UTIME_OMIT, POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLNVAL, POLLRDHUP, OPEN_FLAGS, RESOLVE_FLAGS, FILE_TYPES, POLL_EVENTS, DIRECTORY, OPEN_HOW, STATFS, TIMESPEC, POLLFD, openat, openat2, close, close_range, read, write2, lseek, dup3, fcntl, pipe2, mkdirat, mknodat, symlinkat, readlinkat, unlinkat, linkat, renameat2, fchmod, fchmodat, fchownat, utimensat, chdir, fchdir, getcwd, umask, flock, statfs, fstatfs, ioctl, ftruncate, fsync, syncfs, memfd_create, ppoll;
var init_files = __esm({
  "syscalls/files.ts"() {
    "use strict";
    init_define();
    init_names();
    init_namespaces();
    init_sockets();
    init_struct();
    init_terminal();
    O_RDONLY = 0;
    O_WRONLY = 1;
    O_RDWR = 2;
    O_CREAT = 64;
    O_EXCL = 128;
    O_NOCTTY = 256;
    O_TRUNC = 512;
    O_APPEND = 1024;
    O_NONBLOCK = 2048;
    O_DSYNC = 4096;
    O_NOATIME = 262144;
    O_CLOEXEC = 524288;
    O_SYNC = 1052672;
    O_PATH = 2097152;
    ({ O_DIRECT, O_DIRECTORY, O_NOFOLLOW } = constants2);
    O_TMPFILE = 4194304 | O_DIRECTORY;
    FD_CLOEXEC = 1;
    F_DUPFD = 0;
    F_GETFD = 1;
    F_SETFD = 2;
    F_GETFL = 3;
    F_SETFL = 4;
    F_GETLK = 5;
    F_SETLK = 6;
    F_SETLKW = 7;
    F_OFD_GETLK = 36;
    F_OFD_SETLK = 37;
    F_OFD_SETLKW = 38;
    LOCK_SH = 1;
    LOCK_EX = 2;
    LOCK_NB = 4;
    LOCK_UN = 8;
    F_DUPFD_CLOEXEC = 1030;
    F_SETPIPE_SZ = 1031;
    F_GETPIPE_SZ = 1032;
    F_ADD_SEALS = 1033;
    F_GET_SEALS = 1034;
    F_SEAL_SEAL = 1;
    F_SEAL_SHRINK = 2;
    F_SEAL_GROW = 4;
    F_SEAL_WRITE = 8;
    AT_FDCWD = -100;
    AT_SYMLINK_NOFOLLOW = 256;
    AT_REMOVEDIR = 512;
    AT_SYMLINK_FOLLOW = 1024;
    AT_NO_AUTOMOUNT = 2048;
    AT_EMPTY_PATH = 4096;
    AT_RECURSIVE = 32768;
    RESOLVE_NO_XDEV = 1;
    RESOLVE_NO_MAGICLINKS = 2;
    RESOLVE_NO_SYMLINKS = 4;
    RESOLVE_BENEATH = 8;
    RESOLVE_IN_ROOT = 16;
    RESOLVE_CACHED = 32;
    CLOSE_RANGE_UNSHARE = 2;
    CLOSE_RANGE_CLOEXEC = 4;
    MFD_CLOEXEC = 1;
    MFD_ALLOW_SEALING = 2;
    MFD_HUGETLB = 4;
    MFD_NOEXEC_SEAL = 8;
    MFD_EXEC = 16;
    RENAME_NOREPLACE = 1;
    RENAME_EXCHANGE = 2;
    RENAME_WHITEOUT = 4;
    SEEK_SET = 0;
    SEEK_CUR = 1;
    SEEK_END = 2;
    SEEK_DATA = 3;
    SEEK_HOLE = 4;
    S_IFSOCK = 49152;
    S_IFLNK = 40960;
    S_IFREG = 32768;
    S_IFBLK = 24576;
    S_IFDIR = 16384;
    S_IFCHR = 8192;
    S_IFIFO = 4096;
    S_ISUID = 2048;
    S_ISGID = 1024;
    S_ISVTX = 512;
    UTIME_OMIT = 1073741822;
    POLLIN = 1;
    POLLPRI = 2;
    POLLOUT = 4;
    POLLERR = 8;
    POLLHUP = 16;
    POLLNVAL = 32;
    POLLRDHUP = 8192;
    OPEN_FLAGS = {
      O_RDONLY,
      O_TMPFILE,
      O_SYNC,
      O_WRONLY,
      O_RDWR,
      O_CREAT,
      O_EXCL,
      O_NOCTTY,
      O_TRUNC,
      O_APPEND,
      O_NONBLOCK,
      O_DSYNC,
      O_NOATIME,
      O_CLOEXEC,
      O_PATH,
      O_DIRECT,
      O_DIRECTORY,
      O_NOFOLLOW
    };
    RESOLVE_FLAGS = {
      RESOLVE_NO_XDEV,
      RESOLVE_NO_MAGICLINKS,
      RESOLVE_NO_SYMLINKS,
      RESOLVE_BENEATH,
      RESOLVE_IN_ROOT,
      RESOLVE_CACHED
    };
    FILE_TYPES = { S_IFSOCK, S_IFLNK, S_IFBLK, S_IFREG, S_IFDIR, S_IFCHR, S_IFIFO, S_ISUID, S_ISGID, S_ISVTX };
    POLL_EVENTS = { POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLNVAL, POLLRDHUP };
    DIRECTORY = oneOf({ AT_FDCWD });
    OPEN_HOW = struct(
      "open_how",
      { flags: "u64", mode: "u64", resolve: "u64" },
      { flags: OPEN_FLAGS, resolve: RESOLVE_FLAGS }
    );
    STATFS = struct("statfs", {
      f_type: "i64",
      f_bsize: "i64",
      f_blocks: "i64",
      f_bfree: "i64",
      f_bavail: "i64",
      f_files: "i64",
      f_ffree: "i64",
      f_fsid: "u8[8]",
      f_namelen: "i64",
      f_frsize: "i64",
      f_flags: "i64",
      f_spare: "u8[32]"
    });
    TIMESPEC = struct("timespec", { tv_sec: "i64", tv_nsec: "i64" });
    POLLFD = struct(
      "pollfd",
      { fd: "i32", events: "i16", revents: "i16" },
      { events: POLL_EVENTS, revents: POLL_EVENTS }
    );
    openat = define(
      "int openat(int dirfd, const char *pathname, int flags, mode_t mode)",
      { x64: 257, arm64: 56 },
      { dirfd: DIRECTORY, flags: OPEN_FLAGS }
    );
    openat2 = define(
      "long openat2(int dirfd, const char *pathname, struct open_how *how, size_t size)",
      437,
      { dirfd: DIRECTORY }
    );
    close = define("int close(int fd)", { x64: 3, arm64: 57 });
    close_range = define(
      "int close_range(unsigned int first, unsigned int last, int flags)",
      436,
      { flags: { CLOSE_RANGE_UNSHARE, CLOSE_RANGE_CLOEXEC } }
    );
    read = define("ssize_t read(int fd, void *buf, size_t count)", {
      x64: 0,
      arm64: 63
    });
    write2 = define(
      "ssize_t write(int fd, const void *buf, size_t count)",
      { x64: 1, arm64: 64 }
    );
    lseek = define(
      "off_t lseek(int fd, off_t offset, int whence)",
      { x64: 8, arm64: 62 },
      { whence: oneOf({ SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE }) }
    );
    dup3 = define(
      "int dup3(int oldfd, int newfd, int flags)",
      { x64: 292, arm64: 24 },
      { flags: { O_CLOEXEC } }
    );
    fcntl = define(
      "int fcntl(int fd, int cmd, unsigned long arg)",
      { x64: 72, arm64: 25 },
      {
        cmd: oneOf({
          F_DUPFD,
          F_GETFD,
          F_SETFD,
          F_GETFL,
          F_SETFL,
          F_GETLK,
          F_SETLK,
          F_SETLKW,
          F_OFD_GETLK,
          F_OFD_SETLK,
          F_OFD_SETLKW,
          F_DUPFD_CLOEXEC,
          F_SETPIPE_SZ,
          F_GETPIPE_SZ,
          F_ADD_SEALS,
          F_GET_SEALS
        })
      }
    );
    pipe2 = define(
      "int pipe2(int pipefd[2], int flags)",
      { x64: 293, arm64: 59 },
      { flags: { O_CLOEXEC, O_NONBLOCK, O_DIRECT } }
    );
    mkdirat = define(
      "int mkdirat(int dirfd, const char *pathname, mode_t mode)",
      { x64: 258, arm64: 34 },
      { dirfd: DIRECTORY }
    );
    mknodat = define(
      "int mknodat(int dirfd, const char *pathname, mode_t mode, dev_t dev)",
      { x64: 259, arm64: 33 },
      { dirfd: DIRECTORY, mode: FILE_TYPES }
    );
    symlinkat = define(
      "int symlinkat(const char *target, int newdirfd, const char *linkpath)",
      { x64: 266, arm64: 36 },
      { newdirfd: DIRECTORY }
    );
    readlinkat = define(
      "ssize_t readlinkat(int dirfd, const char *pathname, char *buf, size_t bufsiz)",
      { x64: 267, arm64: 78 },
      { dirfd: DIRECTORY }
    );
    unlinkat = define(
      "int unlinkat(int dirfd, const char *pathname, int flags)",
      { x64: 263, arm64: 35 },
      { dirfd: DIRECTORY, flags: { AT_REMOVEDIR } }
    );
    linkat = define(
      "int linkat(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, int flags)",
      { x64: 265, arm64: 37 },
      { olddirfd: DIRECTORY, newdirfd: DIRECTORY, flags: { AT_EMPTY_PATH, AT_SYMLINK_FOLLOW } }
    );
    renameat2 = define(
      "int renameat2(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, unsigned int flags)",
      { x64: 316, arm64: 276 },
      {
        olddirfd: DIRECTORY,
        newdirfd: DIRECTORY,
        flags: { RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT }
      }
    );
    fchmod = define("int fchmod(int fd, mode_t mode)", { x64: 91, arm64: 52 });
    fchmodat = define(
      "int fchmodat(int dirfd, const char *pathname, mode_t mode)",
      { x64: 268, arm64: 53 },
      { dirfd: DIRECTORY }
    );
    fchownat = define(
      "int fchownat(int dirfd, const char *pathname, uid_t owner, gid_t group, int flags)",
      { x64: 260, arm64: 54 },
      { dirfd: DIRECTORY, flags: { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } }
    );
    utimensat = define(
      "int utimensat(int dirfd, const char *pathname, const struct timespec times[2], int flags)",
      { x64: 280, arm64: 88 },
      { dirfd: DIRECTORY, flags: { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } }
    );
    chdir = define("int chdir(const char *path)", { x64: 80, arm64: 49 });
    fchdir = define("int fchdir(int fd)", { x64: 81, arm64: 50 });
    getcwd = define("long getcwd(char *buf, size_t size)", { x64: 79, arm64: 17 });
    umask = define("mode_t umask(mode_t mask)", { x64: 95, arm64: 166 });
    flock = define(
      "int flock(int fd, int operation)",
      { x64: 73, arm64: 32 },
      { operation: { LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN } }
    );
    statfs = define("int statfs(const char *path, struct statfs *buf)", {
      x64: 137,
      arm64: 43
    });
    fstatfs = define("int fstatfs(int fd, struct statfs *buf)", {
      x64: 138,
      arm64: 44
    });
    ioctl = define(
      "int ioctl(int fd, unsigned long op, void *argp)",
      { x64: 16, arm64: 29 },
      {
        op: oneOf({
          ...TERMINAL_OPERATIONS,
          NS_GET_USERNS,
          NS_GET_PARENT,
          NS_GET_NSTYPE,
          NS_GET_OWNER_UID,
          SIOCGIFFLAGS,
          SIOCSIFFLAGS
        })
      }
    );
    ftruncate = define("int ftruncate(int fd, off_t length)", {
      x64: 77,
      arm64: 46
    });
    fsync = define("int fsync(int fd)", { x64: 74, arm64: 82 });
    syncfs = define("int syncfs(int fd)", { x64: 306, arm64: 267 });
    memfd_create = define(
      "int memfd_create(const char *name, unsigned int flags)",
      { x64: 319, arm64: 279 },
      { flags: { MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_HUGETLB, MFD_NOEXEC_SEAL, MFD_EXEC } }
    );
    ppoll = define("int ppoll(struct pollfd *fds, nfds_t nfds, struct timespec *tmo_p, const sigset_t *sigmask, size_t sigsetsize)", {
      x64: 271,
      arm64: 73
    });
  }
});

// syscalls/mount.ts
var MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_SYNCHRONOUS, MS_REMOUNT, MS_MANDLOCK, MS_DIRSYNC, MS_NOSYMFOLLOW, MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_MOVE, MS_REC, MS_SILENT, MS_POSIXACL, MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_RELATIME, MS_I_VERSION, MS_STRICTATIME, MS_LAZYTIME, OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC, MOVE_MOUNT_F_SYMLINKS, MOVE_MOUNT_F_AUTOMOUNTS, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_SYMLINKS, MOVE_MOUNT_T_AUTOMOUNTS, MOVE_MOUNT_T_EMPTY_PATH, MOVE_MOUNT_SET_GROUP, MOVE_MOUNT_BENEATH, FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC, FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSCONFIG_SET_BINARY, FSCONFIG_SET_PATH, FSCONFIG_SET_PATH_EMPTY, FSCONFIG_SET_FD, FSCONFIG_CMD_CREATE, FSCONFIG_CMD_RECONFIGURE, FSCONFIG_CMD_CREATE_EXCL, MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_IDMAP, MOUNT_ATTR_NOSYMFOLLOW, MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW, MOUNT_FLAGS, MOUNT_ATTRIBUTES, MOUNT_ATTR, mount, umount2, pivot_root, chroot, fsopen, fsconfig, fsmount, open_tree, move_mount, mount_setattr;
var init_mount = __esm({
  "syscalls/mount.ts"() {
    "use strict";
    init_define();
    init_files();
    init_names();
    init_struct();
    MS_RDONLY = 1;
    MS_NOSUID = 2;
    MS_NODEV = 4;
    MS_NOEXEC = 8;
    MS_SYNCHRONOUS = 16;
    MS_REMOUNT = 32;
    MS_MANDLOCK = 64;
    MS_DIRSYNC = 128;
    MS_NOSYMFOLLOW = 256;
    MS_NOATIME = 1024;
    MS_NODIRATIME = 2048;
    MS_BIND = 4096;
    MS_MOVE = 8192;
    MS_REC = 16384;
    MS_SILENT = 32768;
    MS_POSIXACL = 65536;
    MS_UNBINDABLE = 131072;
    MS_PRIVATE = 262144;
    MS_SLAVE = 524288;
    MS_SHARED = 1048576;
    MS_RELATIME = 2097152;
    MS_I_VERSION = 8388608;
    MS_STRICTATIME = 16777216;
    MS_LAZYTIME = 33554432;
    OPEN_TREE_CLONE = 1;
    OPEN_TREE_CLOEXEC = O_CLOEXEC;
    MOVE_MOUNT_F_SYMLINKS = 1;
    MOVE_MOUNT_F_AUTOMOUNTS = 2;
    MOVE_MOUNT_F_EMPTY_PATH = 4;
    MOVE_MOUNT_T_SYMLINKS = 16;
    MOVE_MOUNT_T_AUTOMOUNTS = 32;
    MOVE_MOUNT_T_EMPTY_PATH = 64;
    MOVE_MOUNT_SET_GROUP = 256;
    MOVE_MOUNT_BENEATH = 512;
    FSOPEN_CLOEXEC = 1;
    FSMOUNT_CLOEXEC = 1;
    FSCONFIG_SET_FLAG = 0;
    FSCONFIG_SET_STRING = 1;
    FSCONFIG_SET_BINARY = 2;
    FSCONFIG_SET_PATH = 3;
    FSCONFIG_SET_PATH_EMPTY = 4;
    FSCONFIG_SET_FD = 5;
    FSCONFIG_CMD_CREATE = 6;
    FSCONFIG_CMD_RECONFIGURE = 7;
    FSCONFIG_CMD_CREATE_EXCL = 8;
    MOUNT_ATTR_RDONLY = 1;
    MOUNT_ATTR_NOSUID = 2;
    MOUNT_ATTR_NODEV = 4;
    MOUNT_ATTR_NOEXEC = 8;
    MOUNT_ATTR__ATIME = 112;
    MOUNT_ATTR_NOATIME = 16;
    MOUNT_ATTR_STRICTATIME = 32;
    MOUNT_ATTR_NODIRATIME = 128;
    MOUNT_ATTR_IDMAP = 1048576;
    MOUNT_ATTR_NOSYMFOLLOW = 2097152;
    MNT_FORCE = 1;
    MNT_DETACH = 2;
    MNT_EXPIRE = 4;
    UMOUNT_NOFOLLOW = 8;
    MOUNT_FLAGS = {
      MS_RDONLY,
      MS_NOSUID,
      MS_NODEV,
      MS_NOEXEC,
      MS_SYNCHRONOUS,
      MS_REMOUNT,
      MS_MANDLOCK,
      MS_DIRSYNC,
      MS_NOSYMFOLLOW,
      MS_NOATIME,
      MS_NODIRATIME,
      MS_BIND,
      MS_MOVE,
      MS_REC,
      MS_SILENT,
      MS_POSIXACL,
      MS_UNBINDABLE,
      MS_PRIVATE,
      MS_SLAVE,
      MS_SHARED,
      MS_RELATIME,
      MS_I_VERSION,
      MS_STRICTATIME,
      MS_LAZYTIME
    };
    MOUNT_ATTRIBUTES = {
      MOUNT_ATTR_RDONLY,
      MOUNT_ATTR_NOSUID,
      MOUNT_ATTR_NODEV,
      MOUNT_ATTR_NOEXEC,
      MOUNT_ATTR__ATIME,
      MOUNT_ATTR_NOATIME,
      MOUNT_ATTR_STRICTATIME,
      MOUNT_ATTR_NODIRATIME,
      MOUNT_ATTR_IDMAP,
      MOUNT_ATTR_NOSYMFOLLOW
    };
    MOUNT_ATTR = struct(
      "mount_attr",
      { attr_set: "u64", attr_clr: "u64", propagation: "u64", userns_fd: "u64" },
      { attr_set: MOUNT_ATTRIBUTES, attr_clr: MOUNT_ATTRIBUTES, propagation: MOUNT_FLAGS }
    );
    mount = define(
      "int mount(const char *source, const char *target, const char *filesystemtype, unsigned long mountflags, const void *data)",
      { x64: 165, arm64: 40 },
      { mountflags: MOUNT_FLAGS }
    );
    umount2 = define(
      "int umount2(const char *target, int flags)",
      { x64: 166, arm64: 39 },
      { flags: { MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW } }
    );
    pivot_root = define(
      "int pivot_root(const char *new_root, const char *put_old)",
      { x64: 155, arm64: 41 }
    );
    chroot = define("int chroot(const char *path)", { x64: 161, arm64: 51 });
    fsopen = define(
      "int fsopen(const char *fsname, unsigned int flags)",
      430,
      { flags: { FSOPEN_CLOEXEC } }
    );
    fsconfig = define("int fsconfig(int fd, unsigned int cmd, const char *key, const void *value, int aux)", 431, {
      cmd: oneOf({
        FSCONFIG_SET_FLAG,
        FSCONFIG_SET_STRING,
        FSCONFIG_SET_BINARY,
        FSCONFIG_SET_PATH,
        FSCONFIG_SET_PATH_EMPTY,
        FSCONFIG_SET_FD,
        FSCONFIG_CMD_CREATE,
        FSCONFIG_CMD_RECONFIGURE,
        FSCONFIG_CMD_CREATE_EXCL
      })
    });
    fsmount = define(
      "int fsmount(int fsfd, unsigned int flags, unsigned int attr_flags)",
      432,
      { flags: { FSMOUNT_CLOEXEC }, attr_flags: MOUNT_ATTRIBUTES }
    );
    open_tree = define(
      "int open_tree(int dirfd, const char *pathname, unsigned int flags)",
      428,
      {
        dirfd: oneOf({ AT_FDCWD }),
        flags: {
          OPEN_TREE_CLONE,
          OPEN_TREE_CLOEXEC,
          AT_EMPTY_PATH,
          AT_NO_AUTOMOUNT,
          AT_RECURSIVE,
          AT_SYMLINK_NOFOLLOW
        }
      }
    );
    move_mount = define(
      "int move_mount(int from_dirfd, const char *from_pathname, int to_dirfd, const char *to_pathname, unsigned int flags)",
      429,
      {
        from_dirfd: oneOf({ AT_FDCWD }),
        to_dirfd: oneOf({ AT_FDCWD }),
        flags: {
          MOVE_MOUNT_F_SYMLINKS,
          MOVE_MOUNT_F_AUTOMOUNTS,
          MOVE_MOUNT_F_EMPTY_PATH,
          MOVE_MOUNT_T_SYMLINKS,
          MOVE_MOUNT_T_AUTOMOUNTS,
          MOVE_MOUNT_T_EMPTY_PATH,
          MOVE_MOUNT_SET_GROUP,
          MOVE_MOUNT_BENEATH
        }
      }
    );
    mount_setattr = define(
      "int mount_setattr(int dirfd, const char *pathname, unsigned int flags, struct mount_attr *attr, size_t size)",
      442,
      {
        dirfd: oneOf({ AT_FDCWD }),
        flags: { AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW }
      }
    );
  }
});

// syscalls/poll.ts
function watch(descriptor, readiness, ready) {
  const handle = loadKoffi().node.poll(descriptor, readiness, ready);
  return {
    change(wanted) {
      handle.stop();
      if (wanted.readable === true || wanted.writable === true) handle.start(wanted, ready);
    },
    close: () => handle.close(),
    ref: () => handle.ref(),
    unref: () => handle.unref()
  };
}
var init_poll = __esm({
  "syscalls/poll.ts"() {
    "use strict";
    init_libc();
  }
});

// syscalls/process.ts
import { constants as constants3 } from "node:os";
var WNOHANG, WUNTRACED, WSTOPPED, WEXITED, WCONTINUED, WNOWAIT, __WALL, __WCLONE, P_ALL, P_PID, P_PGID, P_PIDFD, SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK, PIDFD_NONBLOCK, PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_GET_KEEPCAPS, PR_SET_KEEPCAPS, PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP, PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_GET_SECUREBITS, PR_SET_SECUREBITS, PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME, PRIO_PROCESS, PRIO_PGRP, PRIO_USER, PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC, MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, PER_LINUX, PER_LINUX32, ADDR_NO_RANDOMIZE, WAIT_FLAGS, PROTECTION, SIGNAL, RESOURCE, SIGINFO_CHILD, SIGACTION, RLIMIT64, execve, execveat, exit_group, getpid, getppid, setsid, kill, pidfd_open, pidfd_send_signal, pidfd_getfd, waitid, wait4, prctl, rt_sigprocmask, rt_sigaction, rt_sigtimedwait, prlimit64, setpriority, sethostname, setdomainname, personality, mmap, mprotect, munmap;
var init_process = __esm({
  "syscalls/process.ts"() {
    "use strict";
    init_define();
    init_files();
    init_names();
    init_struct();
    WNOHANG = 1;
    WUNTRACED = 2;
    WSTOPPED = 2;
    WEXITED = 4;
    WCONTINUED = 8;
    WNOWAIT = 16777216;
    __WALL = 1073741824;
    __WCLONE = 2147483648;
    P_ALL = 0;
    P_PID = 1;
    P_PGID = 2;
    P_PIDFD = 3;
    SIG_BLOCK = 0;
    SIG_UNBLOCK = 1;
    SIG_SETMASK = 2;
    PIDFD_NONBLOCK = 2048;
    PR_SET_PDEATHSIG = 1;
    PR_GET_PDEATHSIG = 2;
    PR_GET_DUMPABLE = 3;
    PR_SET_DUMPABLE = 4;
    PR_GET_KEEPCAPS = 7;
    PR_SET_KEEPCAPS = 8;
    PR_SET_NAME = 15;
    PR_GET_NAME = 16;
    PR_GET_SECCOMP = 21;
    PR_CAPBSET_READ = 23;
    PR_CAPBSET_DROP = 24;
    PR_GET_SECUREBITS = 27;
    PR_SET_SECUREBITS = 28;
    PR_SET_CHILD_SUBREAPER = 36;
    PR_GET_CHILD_SUBREAPER = 37;
    PR_SET_NO_NEW_PRIVS = 38;
    PR_GET_NO_NEW_PRIVS = 39;
    PR_CAP_AMBIENT = 47;
    PR_CAP_AMBIENT_CLEAR_ALL = 4;
    RLIMIT_CPU = 0;
    RLIMIT_FSIZE = 1;
    RLIMIT_DATA = 2;
    RLIMIT_STACK = 3;
    RLIMIT_CORE = 4;
    RLIMIT_RSS = 5;
    RLIMIT_NPROC = 6;
    RLIMIT_NOFILE = 7;
    RLIMIT_MEMLOCK = 8;
    RLIMIT_AS = 9;
    RLIMIT_LOCKS = 10;
    RLIMIT_SIGPENDING = 11;
    RLIMIT_MSGQUEUE = 12;
    RLIMIT_NICE = 13;
    RLIMIT_RTPRIO = 14;
    RLIMIT_RTTIME = 15;
    PRIO_PROCESS = 0;
    PRIO_PGRP = 1;
    PRIO_USER = 2;
    PROT_NONE = 0;
    PROT_READ = 1;
    PROT_WRITE = 2;
    PROT_EXEC = 4;
    MAP_SHARED = 1;
    MAP_PRIVATE = 2;
    MAP_FIXED = 16;
    MAP_ANONYMOUS = 32;
    PER_LINUX = 0;
    PER_LINUX32 = 8;
    ADDR_NO_RANDOMIZE = 262144;
    WAIT_FLAGS = { WNOHANG, WSTOPPED, WEXITED, WCONTINUED, WNOWAIT, __WALL, __WCLONE };
    PROTECTION = { PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC };
    SIGNAL = oneOf(constants3.signals);
    RESOURCE = oneOf({
      RLIMIT_CPU,
      RLIMIT_FSIZE,
      RLIMIT_DATA,
      RLIMIT_STACK,
      RLIMIT_CORE,
      RLIMIT_RSS,
      RLIMIT_NPROC,
      RLIMIT_NOFILE,
      RLIMIT_MEMLOCK,
      RLIMIT_AS,
      RLIMIT_LOCKS,
      RLIMIT_SIGPENDING,
      RLIMIT_MSGQUEUE,
      RLIMIT_NICE,
      RLIMIT_RTPRIO,
      RLIMIT_RTTIME
    });
    SIGINFO_CHILD = struct("siginfo_t", {
      si_signo: "i32",
      si_errno: "i32",
      si_code: "i32",
      _pad: "i32",
      si_pid: "i32",
      si_uid: "u32",
      si_status: "i32",
      _rest: "u8[100]"
    });
    SIGACTION = struct("sigaction", {
      sa_handler: "pointer",
      sa_flags: "u64",
      sa_restorer: "pointer",
      sa_mask: "u64"
    });
    RLIMIT64 = struct("rlimit64", { rlim_cur: "u64", rlim_max: "u64" });
    execve = define(
      "int execve(const char *pathname, char *const argv[], char *const envp[])",
      { x64: 59, arm64: 221 }
    );
    execveat = define(
      "int execveat(int dirfd, const char *pathname, char *const argv[], char *const envp[], int flags)",
      { x64: 322, arm64: 281 },
      { dirfd: oneOf({ AT_FDCWD }), flags: { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } }
    );
    exit_group = define("void exit_group(int status)", { x64: 231, arm64: 94 });
    getpid = define("pid_t getpid(void)", { x64: 39, arm64: 172 });
    getppid = define("pid_t getppid(void)", { x64: 110, arm64: 173 });
    setsid = define("pid_t setsid(void)", { x64: 112, arm64: 157 });
    kill = define(
      "int kill(pid_t pid, int sig)",
      { x64: 62, arm64: 129 },
      { sig: SIGNAL }
    );
    pidfd_open = define("int pidfd_open(pid_t pid, unsigned int flags)", 434, {
      flags: { PIDFD_NONBLOCK }
    });
    pidfd_send_signal = define(
      "int pidfd_send_signal(int pidfd, int sig, siginfo_t *info, unsigned int flags)",
      424,
      { sig: SIGNAL }
    );
    pidfd_getfd = define(
      "int pidfd_getfd(int pidfd, int targetfd, unsigned int flags)",
      438
    );
    waitid = define(
      "int waitid(idtype_t idtype, id_t id, siginfo_t *infop, int options, struct rusage *rusage)",
      { x64: 247, arm64: 95 },
      { idtype: oneOf({ P_ALL, P_PID, P_PGID, P_PIDFD }), options: WAIT_FLAGS }
    );
    wait4 = define(
      "pid_t wait4(pid_t pid, int *wstatus, int options, struct rusage *rusage)",
      { x64: 61, arm64: 260 },
      { options: { WNOHANG, WUNTRACED, WCONTINUED, __WALL, __WCLONE } }
    );
    prctl = define(
      "int prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5)",
      { x64: 157, arm64: 167 },
      {
        option: oneOf({
          PR_SET_PDEATHSIG,
          PR_GET_PDEATHSIG,
          PR_GET_DUMPABLE,
          PR_SET_DUMPABLE,
          PR_GET_KEEPCAPS,
          PR_SET_KEEPCAPS,
          PR_SET_NAME,
          PR_GET_NAME,
          PR_GET_SECCOMP,
          PR_CAPBSET_READ,
          PR_CAPBSET_DROP,
          PR_GET_SECUREBITS,
          PR_SET_SECUREBITS,
          PR_SET_CHILD_SUBREAPER,
          PR_GET_CHILD_SUBREAPER,
          PR_SET_NO_NEW_PRIVS,
          PR_GET_NO_NEW_PRIVS,
          PR_CAP_AMBIENT
        })
      }
    );
    rt_sigprocmask = define(
      "int rt_sigprocmask(int how, const kernel_sigset_t *set, kernel_sigset_t *oldset, size_t sigsetsize)",
      { x64: 14, arm64: 135 },
      { how: oneOf({ SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK }) }
    );
    rt_sigaction = define(
      "int rt_sigaction(int signum, const struct sigaction *act, struct sigaction *oldact, size_t sigsetsize)",
      { x64: 13, arm64: 134 },
      { signum: SIGNAL }
    );
    rt_sigtimedwait = define(
      "int rt_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout, size_t sigsetsize)",
      { x64: 128, arm64: 137 }
    );
    prlimit64 = define(
      "int prlimit64(pid_t pid, int resource, const struct rlimit64 *new_limit, struct rlimit64 *old_limit)",
      { x64: 302, arm64: 261 },
      { resource: RESOURCE }
    );
    setpriority = define(
      "int setpriority(int which, id_t who, int prio)",
      { x64: 141, arm64: 140 },
      { which: oneOf({ PRIO_PROCESS, PRIO_PGRP, PRIO_USER }) }
    );
    sethostname = define(
      "int sethostname(const char *name, size_t len)",
      { x64: 170, arm64: 161 }
    );
    setdomainname = define(
      "int setdomainname(const char *name, size_t len)",
      { x64: 171, arm64: 162 }
    );
    personality = define(
      "int personality(unsigned int persona)",
      { x64: 135, arm64: 92 },
      { persona: oneOf({ PER_LINUX, PER_LINUX32, ADDR_NO_RANDOMIZE }) }
    );
    mmap = define(
      "void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)",
      { x64: 9, arm64: 222 },
      { prot: PROTECTION, flags: { MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS } }
    );
    mprotect = define(
      "int mprotect(void *addr, size_t size, int prot)",
      { x64: 10, arm64: 226 },
      { prot: PROTECTION }
    );
    munmap = define("int munmap(void *addr, size_t length)", {
      x64: 11,
      arm64: 215
    });
  }
});

// syscalls/step.ts
function add(left, right, into, options = {}) {
  return { kind: "add", left, right, into, ...options };
}
function and(left, right, into, options = {}) {
  return { kind: "and", left, right, into, ...options };
}
function shift(left, right, into, options = {}) {
  return { kind: "shift", left, right, into, ...options };
}
function equal(left, right, branches) {
  return { kind: "equal", left, right, ...branches };
}
function label(name) {
  return { kind: "label", label: name };
}
var init_step = __esm({
  "syscalls/step.ts"() {
    "use strict";
  }
});

// syscalls/stub/record.ts
var RECORD, RECORD_SIZE, OPERATION, FAILURE_SIZE;
var init_record = __esm({
  "syscalls/stub/record.ts"() {
    "use strict";
    RECORD = { number: 0, arguments: 1, store: 7, next: 8, otherwise: 9, indirect: 10 };
    RECORD_SIZE = 88;
    OPERATION = {
      /** Goes to `next` when the first two arguments are equal, else to `otherwise`. */
      equal: -1,
      /** Stores the sum of the first two arguments. */
      add: -2,
      /** Stores the bits that both of the first two arguments have. */
      and: -3,
      /** Writes the address of the last failed record and its negative errno to the address in the first argument. */
      failure: -4,
      /** Stores the first argument, shifted right by as many bits as the second says. */
      shift: -5,
      /** Returns the first argument to the C caller. Only where there is one. */
      return: -6
    };
    FAILURE_SIZE = 16;
  }
});

// syscalls/stub/assemble.ts
function assemble(steps, target) {
  const { base, arch } = target;
  const { rows, labels } = layOut([...steps, ...target.epilogue]);
  const tableSize = rows.length * RECORD_SIZE;
  const data = new DataSection(base + tableSize);
  const scratch2 = data.variable("(unused result)");
  const words = new Uint32Array(tableSize / 4);
  const addressOf2 = (goto) => base + RECORD_SIZE * (typeof goto === "number" ? goto : labelled(labels, goto));
  rows.forEach(({ step, into, next, otherwise }, at) => {
    const word = (field, value) => setWord(words, at * RECORD_WORDS + field, value);
    let indirect = 0;
    argumentsOf(step).forEach((value, argument) => {
      if (value === 0) return;
      word(RECORD.arguments + argument, data.place(value));
      if (isKind(value, "variable")) indirect |= 1 << argument;
    });
    word(RECORD.number, step.kind === "call" ? numberOf(step.call, arch) : OPERATION[step.kind]);
    word(RECORD.store, into === void 0 ? scratch2 : data.variable(into.name));
    word(RECORD.next, addressOf2(next));
    word(RECORD.otherwise, addressOf2(otherwise));
    if (indirect !== 0) word(RECORD.indirect, indirect);
  });
  const bytes = new Uint8Array(tableSize + data.size);
  bytes.set(new Uint8Array(words.buffer));
  bytes.set(data.bytes, tableSize);
  return {
    bytes,
    stepAt(address) {
      const index = rows[(address - base) / RECORD_SIZE]?.index;
      return index !== void 0 && index < steps.length ? index : void 0;
    },
    offsetOf(name) {
      const address = data.addressOf(name);
      return address === void 0 ? void 0 : address - base;
    }
  };
}
function reportTo(descriptor, { write: write3, exit }) {
  const report = { kind: "memory", bytes: new Uint8Array(FAILURE_SIZE), pointers: [] };
  const call = (declaration, args) => {
    return { kind: "call", call: declaration, args, purpose: "reporting a failure", onError: "next" };
  };
  return [
    { kind: "failure", to: report, label: REPORT },
    call(write3, [descriptor, report, FAILURE_SIZE]),
    call(exit, [127])
  ];
}
function layOut(steps) {
  const labels = /* @__PURE__ */ new Map();
  const rows = [];
  const chains = [];
  const firstChain = steps.filter(({ kind }) => kind !== "label").length;
  steps.forEach((step, index) => {
    if (step.label !== void 0) {
      if (labels.has(step.label)) throw new TypeError(`two steps have the label '${step.label}'`);
      labels.set(step.label, rows.length);
    }
    if (step.kind === "label") return;
    const following = rows.length + 1;
    const resolve4 = (label2) => label2 === void 0 || label2 === "next" ? following : label2;
    const next = resolve4("next" in step ? step.next : void 0);
    if (step.kind === "equal") {
      rows.push({ step, into: void 0, index, next, otherwise: resolve4(step.otherwise) });
    } else if (step.kind !== "call" || typeof step.onError !== "object") {
      const onError = step.kind === "call" ? step.onError : void 0;
      const into = "into" in step ? step.into : void 0;
      rows.push({ step, into, index, next, otherwise: onError === void 0 ? REPORT : resolve4(onError) });
    } else {
      const handlers = Object.entries(step.onError);
      const into = step.into ?? ERROR;
      const otherwise = handlers.length === 0 ? REPORT : firstChain + chains.length;
      rows.push({ step, into, index, next, otherwise });
      handlers.forEach(([name, label2], position) => {
        const test = { kind: "equal", left: into, right: -errnoNumber(name) };
        const isLast = position === handlers.length - 1;
        const otherwise2 = isLast ? REPORT : firstChain + chains.length + 1;
        chains.push({ step: test, into: void 0, index, next: resolve4(label2), otherwise: otherwise2 });
      });
    }
  });
  return { rows: [...rows, ...chains], labels };
}
function labelled(labels, label2) {
  const row = labels.get(label2);
  if (row === void 0) throw new TypeError(`no step has the label '${label2}'`);
  return row;
}
function argumentsOf(step) {
  switch (step.kind) {
    case "call":
      return step.args;
    case "failure":
      return [step.to];
    case "return":
      return [step.value];
    default:
      return [step.left, step.right];
  }
}
function setWord(words, index, value) {
  const low = typeof value === "bigint" ? Number(BigInt.asUintN(32, value)) : value >>> 0;
  const high = typeof value === "bigint" ? Number(BigInt.asUintN(32, value >> 32n)) : Math.floor(value / 2 ** 32) >>> 0;
  words[index * 2] = low;
  words[index * 2 + 1] = high;
}
var RECORD_WORDS, REPORT, ERROR, DataSection;
var init_assemble = __esm({
  "syscalls/stub/assemble.ts"() {
    "use strict";
    init_define();
    init_error();
    init_memory();
    init_record();
    RECORD_WORDS = RECORD_SIZE / 8;
    REPORT = "report";
    ERROR = variable("(error)");
    DataSection = class {
      #base;
      #bytes = Buffer.alloc(8192);
      #size = 0;
      #placed = /* @__PURE__ */ new Map();
      #variables = /* @__PURE__ */ new Map();
      constructor(base) {
        this.#base = base;
      }
      get size() {
        return this.#size;
      }
      get bytes() {
        return this.#bytes.subarray(0, this.#size);
      }
      /** The address of a variable. */
      variable(name) {
        let address = this.#variables.get(name);
        if (address === void 0) {
          address = this.#base + this.#reserve(8, 8);
          this.#variables.set(name, address);
        }
        return address;
      }
      /** The address of a variable that some step uses. */
      addressOf(name) {
        return this.#variables.get(name);
      }
      /** The word that stands for a value: an integer itself, the address of anything else. */
      place(value) {
        if (value === null) return 0;
        if (typeof value === "number" || typeof value === "bigint") return value;
        if (isKind(value, "variable")) return this.variable(value.name);
        if (isKind(value, "address")) return this.variable(value.of.name);
        let address = this.#placed.get(value);
        if (address === void 0) {
          address = this.#base + this.#append(value);
          this.#placed.set(value, address);
        }
        return address;
      }
      #append(value) {
        if (typeof value === "string") {
          const at2 = this.#reserve(Buffer.byteLength(value) + 1, 1);
          this.#bytes.write(value, at2);
          return at2;
        }
        const { bytes, pointers } = value instanceof Uint8Array ? { bytes: value, pointers: [] } : value;
        const at = this.#reserve(bytes.length, 8);
        this.#bytes.set(bytes, at);
        for (const { offset, to } of pointers) {
          if (isKind(to, "variable")) throw new TypeError(`variable '${to.name}' cannot be in memory: give its address`);
          const word = BigInt.asUintN(64, BigInt(this.place(to)));
          this.#bytes.writeBigUInt64LE(word, at + offset);
        }
        return at;
      }
      #reserve(size, alignment) {
        const at = Math.ceil(this.#size / alignment) * alignment;
        this.#size = at + size;
        if (this.#size > this.#bytes.length) {
          const larger = Buffer.alloc(Math.max(this.#bytes.length * 2, this.#size));
          larger.set(this.#bytes);
          this.#bytes = larger;
        }
        return at;
      }
    };
  }
});

// syscalls/stub/elf.ts
function elfImage(machine, program) {
  const code2 = Buffer.concat([machine.startAt(TABLE_ADDRESS), machine.interpreter]);
  const codeEnd = CODE_OFFSET + code2.length;
  if (codeEnd > TABLE_OFFSET)
    throw new Error(`bug in caisson: the interpreter ends at ${codeEnd}, behind the table's start`);
  const image2 = Buffer.alloc(TABLE_OFFSET + program.bytes.length);
  writeFileHeader(image2, machine.elfMachine);
  writeSegment(image2, 0, { type: PT_LOAD, flags: PF_R | PF_X, offset: 0, address: CODE_ADDRESS, size: codeEnd });
  const size = program.bytes.length;
  writeSegment(image2, 1, { type: PT_LOAD, flags: PF_R | PF_W, offset: TABLE_OFFSET, address: TABLE_ADDRESS, size });
  writeSegment(image2, 2, { type: PT_GNU_STACK, flags: PF_R | PF_W, offset: 0, address: 0, size: 0 });
  image2.set(code2, CODE_OFFSET);
  image2.set(program.bytes, TABLE_OFFSET);
  return image2;
}
function writeFileHeader(image2, elfMachine) {
  image2.set([
    127,
    69,
    76,
    70,
    2,
    1,
    1
    /* EV_CURRENT */
  ]);
  image2.writeUInt16LE(ET_EXEC, 16);
  image2.writeUInt16LE(elfMachine, 18);
  image2.writeUInt32LE(1, 20);
  image2.writeUInt32LE(CODE_ADDRESS + CODE_OFFSET, 24);
  image2.writeUInt32LE(HEADER_SIZE, 32);
  image2.writeUInt16LE(HEADER_SIZE, 52);
  image2.writeUInt16LE(SEGMENT_HEADER_SIZE, 54);
  image2.writeUInt16LE(3, 56);
}
function writeSegment(image2, index, { type, flags, offset, address, size }) {
  const at = HEADER_SIZE + index * SEGMENT_HEADER_SIZE;
  image2.writeUInt32LE(type, at);
  image2.writeUInt32LE(flags, at + 4);
  image2.writeUInt32LE(offset, at + 8);
  image2.writeUInt32LE(address, at + 16);
  image2.writeUInt32LE(address, at + 24);
  image2.writeUInt32LE(size, at + 32);
  image2.writeUInt32LE(size, at + 40);
  image2.writeUInt32LE(type === PT_LOAD ? SEGMENT_ALIGNMENT : 16, at + 48);
}
var HEADER_SIZE, SEGMENT_HEADER_SIZE, CODE_ADDRESS, CODE_OFFSET, TABLE_OFFSET, SEGMENT_ALIGNMENT, TABLE_ADDRESS, ET_EXEC, PT_LOAD, PT_GNU_STACK, PF_X, PF_W, PF_R;
var init_elf = __esm({
  "syscalls/stub/elf.ts"() {
    "use strict";
    HEADER_SIZE = 64;
    SEGMENT_HEADER_SIZE = 56;
    CODE_ADDRESS = 4194304;
    CODE_OFFSET = HEADER_SIZE + 3 * SEGMENT_HEADER_SIZE;
    TABLE_OFFSET = 512;
    SEGMENT_ALIGNMENT = 65536;
    TABLE_ADDRESS = 4259840 + TABLE_OFFSET;
    ET_EXEC = 2;
    PT_LOAD = 1;
    PT_GNU_STACK = 1685382481;
    PF_X = 1;
    PF_W = 2;
    PF_R = 4;
  }
});

// syscalls/stub/code.ts
function code(listing) {
  return Uint8Array.from(Buffer.from(listing.join(""), "hex"));
}
var init_code = __esm({
  "syscalls/stub/code.ts"() {
    "use strict";
  }
});

// syscalls/stub/arm64.ts
var EM_AARCH64, ENTER_FUNCTION, INTERPRETER, ARM64;
var init_arm64 = __esm({
  "syscalls/stub/arm64.ts"() {
    "use strict";
    init_code();
    EM_AARCH64 = 183;
    ENTER_FUNCTION = code([
      "f353bea9",
      // stp x19, x20, [sp, -32]!
      "f50b00f9",
      // str x21, [sp, 16]
      "f30300aa"
      // mov x19, x0
    ]);
    INTERPRETER = code([
      // next:
      "680240f9",
      // ldr x8, [x19]
      "608640a9",
      // ldp x0, x1, [x19, 8]
      "628e41a9",
      // ldp x2, x3, [x19, 24]
      "649642a9",
      // ldp x4, x5, [x19, 40]
      "692a40f9",
      // ldr x9, [x19, 80]
      "49000036",
      // tbz x9, 0, 1f
      "000040f9",
      // ldr x0, [x0]
      "49000836",
      // 1: tbz x9, 1, 1f
      "210040f9",
      // ldr x1, [x1]
      "49001036",
      // 1: tbz x9, 2, 1f
      "420040f9",
      // ldr x2, [x2]
      "49001836",
      // 1: tbz x9, 3, 1f
      "630040f9",
      // ldr x3, [x3]
      "49002036",
      // 1: tbz x9, 4, 1f
      "840040f9",
      // ldr x4, [x4]
      "49002836",
      // 1: tbz x9, 5, 1f
      "a50040f9",
      // ldr x5, [x5]
      "8801f8b7",
      // 1: tbnz x8, 63, operation
      "010000d4",
      // svc 0
      "6a1e40f9",
      // ldr x10, [x19, 56]
      "400100f9",
      // str x0, [x10]
      "1ffc3fb1",
      // cmn x0, 4095
      "62000054",
      // b.cs failed
      // succeeded:
      "732240f9",
      // ldr x19, [x19, 64]
      "e8ffff17",
      // b next
      // failed:
      "f40313aa",
      // mov x20, x19
      "f50300aa",
      // mov x21, x0
      // otherwise:
      "732640f9",
      // ldr x19, [x19, 72]
      "e4ffff17",
      // b next
      // operation:
      "080500b1",
      // adds x8, x8, 1
      "80010054",
      // b.eq equal
      "080500b1",
      // adds x8, x8, 1
      "a0010054",
      // b.eq addition
      "080500b1",
      // adds x8, x8, 1
      "a0010054",
      // b.eq conjunction
      "080500b1",
      // adds x8, x8, 1
      "20020054",
      // b.eq failure
      "080500b1",
      // adds x8, x8, 1
      "60010054",
      // b.eq shift
      "f50b40f9",
      // ldr x21, [sp, 16]
      "f353c2a8",
      // ldp x19, x20, [sp], 32
      "c0035fd6",
      // ret
      // equal:
      "1f0001eb",
      // cmp x0, x1
      "80fdff54",
      // b.eq succeeded
      "efffff17",
      // b otherwise
      // addition:
      "0000018b",
      // add x0, x0, x1
      "04000014",
      // b store
      // conjunction:
      "0000018a",
      // and x0, x0, x1
      "02000014",
      // b store
      // shift:
      "0024c19a",
      // lsr x0, x0, x1
      // store:
      "6a1e40f9",
      // ldr x10, [x19, 56]
      "400100f9",
      // str x0, [x10]
      "e3ffff17",
      // b succeeded
      // failure:
      "145400a9",
      // stp x20, x21, [x0]
      "e1ffff17"
      // b succeeded
    ]);
    ARM64 = {
      elfMachine: EM_AARCH64,
      startAt(record) {
        const MOVZ_X19 = 3531603987;
        const MOVK_X19_LSL_16 = 4070572051;
        const start = new Uint8Array(8);
        const view = new DataView(start.buffer);
        view.setUint32(0, (MOVZ_X19 | (record & 65535) << 5) >>> 0, true);
        view.setUint32(4, (MOVK_X19_LSL_16 | record >>> 16 << 5) >>> 0, true);
        return start;
      },
      enterFunction: ENTER_FUNCTION,
      interpreter: INTERPRETER
    };
  }
});

// syscalls/stub/x64.ts
var EM_X86_64, ENTER_FUNCTION2, INTERPRETER2, X64;
var init_x64 = __esm({
  "syscalls/stub/x64.ts"() {
    "use strict";
    init_code();
    EM_X86_64 = 62;
    ENTER_FUNCTION2 = code([
      "53",
      // push rbx
      "4154",
      // push r12
      "4155",
      // push r13
      "4889fb"
      // mov rbx, rdi
    ]);
    INTERPRETER2 = code([
      // next:
      "488b03",
      // mov rax, [rbx]
      "8b4b50",
      // mov ecx, [rbx+80]
      "488b7b08",
      // mov rdi, [rbx+8]
      "488b7310",
      // mov rsi, [rbx+16]
      "488b5318",
      // mov rdx, [rbx+24]
      "4c8b5320",
      // mov r10, [rbx+32]
      "4c8b4328",
      // mov r8, [rbx+40]
      "4c8b4b30",
      // mov r9, [rbx+48]
      "d1e9",
      // shr ecx, 1
      "7303",
      // jnc 1f
      "488b3f",
      // mov rdi, [rdi]
      "d1e9",
      // 1: shr ecx, 1
      "7303",
      // jnc 1f
      "488b36",
      // mov rsi, [rsi]
      "d1e9",
      // 1: shr ecx, 1
      "7303",
      // jnc 1f
      "488b12",
      // mov rdx, [rdx]
      "d1e9",
      // 1: shr ecx, 1
      "7303",
      // jnc 1f
      "4d8b12",
      // mov r10, [r10]
      "d1e9",
      // 1: shr ecx, 1
      "7303",
      // jnc 1f
      "4d8b00",
      // mov r8, [r8]
      "d1e9",
      // 1: shr ecx, 1
      "7303",
      // jnc 1f
      "4d8b09",
      // mov r9, [r9]
      "4885c0",
      // 1: test rax, rax
      "7823",
      // js operation
      "0f05",
      // syscall
      "488b4b38",
      // mov rcx, [rbx+56]
      "488901",
      // mov [rcx], rax
      "483d01f0ffff",
      // cmp rax, -4095
      "7306",
      // jae failed
      // succeeded:
      "488b5b40",
      // mov rbx, [rbx+64]
      "eb9c",
      // jmp next
      // failed:
      "4989dc",
      // mov r12, rbx
      "4989c5",
      // mov r13, rax
      // otherwise:
      "488b5b48",
      // mov rbx, [rbx+72]
      "eb90",
      // jmp next
      // operation:
      "48ffc0",
      // inc rax
      "741d",
      // jz equal
      "48ffc0",
      // inc rax
      "741f",
      // jz addition
      "48ffc0",
      // inc rax
      "741f",
      // jz conjunction
      "48ffc0",
      // inc rax
      "742d",
      // jz failure
      "48ffc0",
      // inc rax
      "741a",
      // jz shift
      "4889f8",
      // mov rax, rdi
      "415d",
      // pop r13
      "415c",
      // pop r12
      "5b",
      // pop rbx
      "c3",
      // ret
      // equal:
      "4839f7",
      // cmp rdi, rsi
      "74c7",
      // je succeeded
      "ebd1",
      // jmp otherwise
      // addition:
      "4801f7",
      // add rdi, rsi
      "eb0a",
      // jmp store
      // conjunction:
      "4821f7",
      // and rdi, rsi
      "eb05",
      // jmp store
      // shift:
      "89f1",
      // mov ecx, esi
      "48d3ef",
      // shr rdi, cl
      // store:
      "488b4b38",
      // mov rcx, [rbx+56]
      "488939",
      // mov [rcx], rdi
      "ebad",
      // jmp succeeded
      // failure:
      "4c8927",
      // mov [rdi], r12
      "4c896f08",
      // mov [rdi+8], r13
      "eba4"
      // jmp succeeded
    ]);
    X64 = {
      elfMachine: EM_X86_64,
      startAt(record) {
        const start = code(["bb00000000"]);
        new DataView(start.buffer).setUint32(1, record, true);
        return start;
      },
      enterFunction: ENTER_FUNCTION2,
      interpreter: INTERPRETER2
    };
  }
});

// syscalls/stub/machine.ts
var MACHINES;
var init_machine = __esm({
  "syscalls/stub/machine.ts"() {
    "use strict";
    init_arm64();
    init_x64();
    MACHINES = { x64: X64, arm64: ARM64 };
  }
});

// syscalls/stub/page.ts
function interpreterPage() {
  page ??= mapPage();
  return page;
}
function mapPage() {
  const koffi2 = loadKoffi();
  const machine = MACHINES[architecture()];
  const address = mmap(null, CODE_SIZE + TABLE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const memory2 = new Uint8Array(koffi2.view(BigInt(address), CODE_SIZE + TABLE_SIZE));
  memory2.set(machine.enterFunction, 0);
  memory2.set(machine.interpreter, machine.enterFunction.length);
  mprotect(BigInt(address), CODE_SIZE, PROT_READ | PROT_EXEC);
  const enter2 = koffi2.decode(BigInt(address), koffi2.proto("long (long table)"));
  const base = address + CODE_SIZE;
  const table = memory2.subarray(CODE_SIZE);
  return { base, table, load: (program) => table.set(program), run: () => Number(enter2(base)) };
}
var CODE_SIZE, TABLE_SIZE, page;
var init_page = __esm({
  "syscalls/stub/page.ts"() {
    "use strict";
    init_libc();
    init_process();
    init_machine();
    CODE_SIZE = 65536;
    TABLE_SIZE = 65536;
  }
});

// syscalls/stub/compile.ts
function compile(program) {
  const stub = assembleStub(program.stub);
  const launcher = assembleLauncher(program.launch);
  return { program, launcher, stub, image: elfImage(MACHINES[architecture()], stub) };
}
function assembleStub(steps) {
  const epilogue = reportTo(REPORT_DESCRIPTOR, { write: write2, exit: exit_group });
  return assemble(steps, { arch: architecture(), base: TABLE_ADDRESS, epilogue });
}
function assembleLauncher(steps) {
  const { pid, report } = LAUNCH_VARIABLES;
  const epilogue = [{ kind: "return", value: pid }, ...reportTo(report, { write: write2, exit: exit_group })];
  return assemble(steps, { arch: architecture(), base: interpreterPage().base, epilogue });
}
var REPORT_DESCRIPTOR, LAUNCH_VARIABLES;
var init_compile = __esm({
  "syscalls/stub/compile.ts"() {
    "use strict";
    init_files();
    init_libc();
    init_memory();
    init_process();
    init_assemble();
    init_elf();
    init_machine();
    init_page();
    REPORT_DESCRIPTOR = 3;
    LAUNCH_VARIABLES = {
      /** The sealed memfd that holds the stub. */
      image: variable("image"),
      /** The write end of the report pipe, to be moved to {@link REPORT_DESCRIPTOR}. */
      report: variable("report"),
      /** What clone3 returned: the result of the launch. */
      pid: variable("pid"),
      /** The pidfd that clone3 wrote. */
      pidfd: variable("pidfd")
    };
  }
});

// syscalls/stub/launch.ts
function launch({ program, launcher, image: compiledImage }, values = {}, image2 = compiledImage) {
  const page2 = interpreterPage();
  const [report, writeEnd] = openPipe();
  try {
    const descriptor = openImage(image2);
    try {
      page2.load(launcher.bytes);
      setVariables(page2.table, launcher, { ...values, image: descriptor, report: writeEnd });
      const pid = page2.run();
      if (pid < 0) throw cloneError(program.launch, -pid);
      return { pid, pidfd: getVariable(page2.table, launcher, LAUNCH_VARIABLES.pidfd.name), report };
    } finally {
      close(descriptor);
    }
  } catch (error) {
    close(report);
    throw error;
  } finally {
    close(writeEnd);
  }
}
function failureIn(report, { launcher, stub, program: compiledProgram }, program = compiledProgram) {
  if (report.length < FAILURE_SIZE) return void 0;
  const view = new DataView(report.buffer, report.byteOffset);
  const address = Number(view.getBigUint64(0, true));
  const errno = -Number(view.getBigInt64(8, true));
  const inStub = stub.stepAt(address);
  if (inStub !== void 0) return stepError(program.stub[inStub], program.launch.length + inStub, errno);
  const inLaunch = launcher.stepAt(address) ?? -1;
  return stepError(program.launch[inLaunch], inLaunch, errno);
}
function openPipe() {
  const ends = new Uint32Array(2);
  pipe2(new Uint8Array(ends.buffer), O_CLOEXEC);
  const [readEnd, writeEnd] = ends;
  fcntl(readEnd, F_SETFL, O_NONBLOCK);
  return [readEnd, writeEnd];
}
function openImage(bytes) {
  const descriptor = createExecutableMemfd();
  write2(descriptor, bytes, bytes.length);
  fcntl(descriptor, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  return descriptor;
}
function createExecutableMemfd() {
  const flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  try {
    return memfd_create("caisson", knowsExec ? flags | MFD_EXEC : flags);
  } catch (error) {
    if (knowsExec && hasCode(error, "EINVAL")) {
      knowsExec = false;
      return createExecutableMemfd();
    }
    if (!hasCode(error, "EACCES")) throw error;
    throw new CaissonError(
      "MEMFD_NOEXEC",
      "this machine allows no executable memfd, which every container starts from",
      {
        hint: "set sysctl vm.memfd_noexec=1",
        cause: error
      }
    );
  }
}
function setVariables(table, program, values) {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  for (const [name, value] of Object.entries(values)) {
    const offset = program.offsetOf(name);
    if (offset !== void 0) view.setBigInt64(offset, BigInt(value), true);
  }
}
function getVariable(table, program, name) {
  const offset = program.offsetOf(name);
  if (offset === void 0) throw new Error(`bug in caisson: the program has no variable '${name}'`);
  return new DataView(table.buffer, table.byteOffset).getInt32(offset, true);
}
function cloneError(steps, errno) {
  const step = steps.findIndex((candidate) => candidate.kind === "call" && candidate.onError === PARENT_LABEL);
  return stepError(steps[step], step, errno);
}
function stepError(step, index, errno) {
  if (step?.kind !== "call") throw new Error(`bug in caisson: step ${index} reported error ${errno} but makes no call`);
  const { call, args, purpose } = step;
  return new SyscallError({ errno, syscall: call.syscall, step: index, purpose, ...pathsOf(call, args) });
}
var PARENT_LABEL, knowsExec;
var init_launch = __esm({
  "syscalls/stub/launch.ts"() {
    "use strict";
    init_define();
    init_error();
    init_files();
    init_compile();
    init_page();
    init_record();
    PARENT_LABEL = "parent";
    knowsExec = true;
  }
});

// syscalls/xattrs.ts
var XATTR_CREATE, XATTR_REPLACE, FLAGS, getxattr, lgetxattr, fgetxattr, setxattr, lsetxattr, fsetxattr, listxattr, llistxattr, flistxattr, removexattr, lremovexattr, fremovexattr;
var init_xattrs = __esm({
  "syscalls/xattrs.ts"() {
    "use strict";
    init_define();
    XATTR_CREATE = 1;
    XATTR_REPLACE = 2;
    FLAGS = { flags: { XATTR_CREATE, XATTR_REPLACE } };
    getxattr = define(
      "ssize_t getxattr(const char *path, const char *name, void *value, size_t size)",
      { x64: 191, arm64: 8 }
    );
    lgetxattr = define(
      "ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size)",
      { x64: 192, arm64: 9 }
    );
    fgetxattr = define(
      "ssize_t fgetxattr(int fd, const char *name, void *value, size_t size)",
      { x64: 193, arm64: 10 }
    );
    setxattr = define(
      "int setxattr(const char *path, const char *name, const void *value, size_t size, int flags)",
      { x64: 188, arm64: 5 },
      FLAGS
    );
    lsetxattr = define(
      "int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)",
      { x64: 189, arm64: 6 },
      FLAGS
    );
    fsetxattr = define(
      "int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)",
      { x64: 190, arm64: 7 },
      FLAGS
    );
    listxattr = define("ssize_t listxattr(const char *path, char *list, size_t size)", {
      x64: 194,
      arm64: 11
    });
    llistxattr = define("ssize_t llistxattr(const char *path, char *list, size_t size)", {
      x64: 195,
      arm64: 12
    });
    flistxattr = define("ssize_t flistxattr(int fd, char *list, size_t size)", {
      x64: 196,
      arm64: 13
    });
    removexattr = define("int removexattr(const char *path, const char *name)", {
      x64: 197,
      arm64: 14
    });
    lremovexattr = define("int lremovexattr(const char *path, const char *name)", {
      x64: 198,
      arm64: 15
    });
    fremovexattr = define("int fremovexattr(int fd, const char *name)", {
      x64: 199,
      arm64: 16
    });
  }
});

// syscalls/index.ts
var init_syscalls = __esm({
  "syscalls/index.ts"() {
    "use strict";
    init_credentials();
    init_define();
    init_error();
    init_files();
    init_memory();
    init_mount();
    init_namespaces();
    init_poll();
    init_process();
    init_sockets();
    init_step();
    init_compile();
    init_launch();
    init_terminal();
    init_xattrs();
  }
});

// node_modules/eventemitter3/index.js
var require_eventemitter3 = __commonJS({
  "node_modules/eventemitter3/index.js"(exports, module) {
    "use strict";
    var has = Object.prototype.hasOwnProperty;
    var prefix = "~";
    function Events() {
    }
    if (Object.create) {
      Events.prototype = /* @__PURE__ */ Object.create(null);
      if (!new Events().__proto__) prefix = false;
    }
    function EE(fn, context, once) {
      this.fn = fn;
      this.context = context;
      this.once = once || false;
    }
    function addListener(emitter, event, fn, context, once) {
      if (typeof fn !== "function") {
        throw new TypeError("The listener must be a function");
      }
      var listener = new EE(fn, context || emitter, once), evt = prefix ? prefix + event : event;
      if (!emitter._events[evt]) emitter._events[evt] = listener, emitter._eventsCount++;
      else if (!emitter._events[evt].fn) emitter._events[evt].push(listener);
      else emitter._events[evt] = [emitter._events[evt], listener];
      return emitter;
    }
    function clearEvent(emitter, evt) {
      if (--emitter._eventsCount === 0) emitter._events = new Events();
      else delete emitter._events[evt];
    }
    function EventEmitter2() {
      this._events = new Events();
      this._eventsCount = 0;
    }
    EventEmitter2.prototype.eventNames = function eventNames() {
      var names2 = [], events, name;
      if (this._eventsCount === 0) return names2;
      for (name in events = this._events) {
        if (has.call(events, name)) names2.push(prefix ? name.slice(1) : name);
      }
      if (Object.getOwnPropertySymbols) {
        return names2.concat(Object.getOwnPropertySymbols(events));
      }
      return names2;
    };
    EventEmitter2.prototype.listeners = function listeners(event) {
      var evt = prefix ? prefix + event : event, handlers = this._events[evt];
      if (!handlers) return [];
      if (handlers.fn) return [handlers.fn];
      for (var i = 0, l = handlers.length, ee = new Array(l); i < l; i++) {
        ee[i] = handlers[i].fn;
      }
      return ee;
    };
    EventEmitter2.prototype.listenerCount = function listenerCount(event) {
      var evt = prefix ? prefix + event : event, listeners = this._events[evt];
      if (!listeners) return 0;
      if (listeners.fn) return 1;
      return listeners.length;
    };
    EventEmitter2.prototype.emit = function emit(event, a1, a2, a3, a4, a5) {
      var evt = prefix ? prefix + event : event;
      if (!this._events[evt]) return false;
      var listeners = this._events[evt], len = arguments.length, args, i;
      if (listeners.fn) {
        if (listeners.once) this.removeListener(event, listeners.fn, void 0, true);
        switch (len) {
          case 1:
            return listeners.fn.call(listeners.context), true;
          case 2:
            return listeners.fn.call(listeners.context, a1), true;
          case 3:
            return listeners.fn.call(listeners.context, a1, a2), true;
          case 4:
            return listeners.fn.call(listeners.context, a1, a2, a3), true;
          case 5:
            return listeners.fn.call(listeners.context, a1, a2, a3, a4), true;
          case 6:
            return listeners.fn.call(listeners.context, a1, a2, a3, a4, a5), true;
        }
        for (i = 1, args = new Array(len - 1); i < len; i++) {
          args[i - 1] = arguments[i];
        }
        listeners.fn.apply(listeners.context, args);
      } else {
        var length = listeners.length, j;
        for (i = 0; i < length; i++) {
          if (listeners[i].once) this.removeListener(event, listeners[i].fn, void 0, true);
          switch (len) {
            case 1:
              listeners[i].fn.call(listeners[i].context);
              break;
            case 2:
              listeners[i].fn.call(listeners[i].context, a1);
              break;
            case 3:
              listeners[i].fn.call(listeners[i].context, a1, a2);
              break;
            case 4:
              listeners[i].fn.call(listeners[i].context, a1, a2, a3);
              break;
            default:
              if (!args) for (j = 1, args = new Array(len - 1); j < len; j++) {
                args[j - 1] = arguments[j];
              }
              listeners[i].fn.apply(listeners[i].context, args);
          }
        }
      }
      return true;
    };
    EventEmitter2.prototype.on = function on(event, fn, context) {
      return addListener(this, event, fn, context, false);
    };
    EventEmitter2.prototype.once = function once(event, fn, context) {
      return addListener(this, event, fn, context, true);
    };
    EventEmitter2.prototype.removeListener = function removeListener(event, fn, context, once) {
      var evt = prefix ? prefix + event : event;
      if (!this._events[evt]) return this;
      if (!fn) {
        clearEvent(this, evt);
        return this;
      }
      var listeners = this._events[evt];
      if (listeners.fn) {
        if (listeners.fn === fn && (!once || listeners.once) && (!context || listeners.context === context)) {
          clearEvent(this, evt);
        }
      } else {
        for (var i = 0, events = [], length = listeners.length; i < length; i++) {
          if (listeners[i].fn !== fn || once && !listeners[i].once || context && listeners[i].context !== context) {
            events.push(listeners[i]);
          }
        }
        if (events.length) this._events[evt] = events.length === 1 ? events[0] : events;
        else clearEvent(this, evt);
      }
      return this;
    };
    EventEmitter2.prototype.removeAllListeners = function removeAllListeners(event) {
      var evt;
      if (event) {
        evt = prefix ? prefix + event : event;
        if (this._events[evt]) clearEvent(this, evt);
      } else {
        this._events = new Events();
        this._eventsCount = 0;
      }
      return this;
    };
    EventEmitter2.prototype.off = EventEmitter2.prototype.removeListener;
    EventEmitter2.prototype.addListener = EventEmitter2.prototype.on;
    EventEmitter2.prefixed = prefix;
    EventEmitter2.EventEmitter = EventEmitter2;
    if ("undefined" !== typeof module) {
      module.exports = EventEmitter2;
    }
  }
});

// store/layer/header.ts
function decodeHeader(block) {
  if (block.every((byte) => byte === 0)) return void 0;
  const sum = decodeNumber(block.subarray(148, 156), "checksum");
  if (!checksums(block).includes(sum))
    throw invalid2(`a header's checksum is ${sum}, but should be ${checksums(block)[0]}`);
  const isUstar = block.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isUstar ? decodeText(block.subarray(345, 500)) : Buffer.alloc(0);
  const name = decodeText(block.subarray(0, 100));
  const number = (start, end, what) => decodeNumber(block.subarray(start, end), what);
  return {
    type: block[156] === 0 ? "0" : String.fromCharCode(block[156] ?? 0),
    name: prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from("/"), name]),
    linkName: decodeText(block.subarray(157, 257)),
    mode: number(100, 108, "mode") & 4095,
    uid: asId(number(108, 116, "uid"), "uid"),
    gid: asId(number(116, 124, "gid"), "gid"),
    size: asSize(number(124, 136, "size")),
    mtimeNs: BigInt(number(136, 148, "mtime")) * 1000000000n,
    major: number(329, 337, "major device number"),
    minor: number(337, 345, "minor device number")
  };
}
function decodeNumber(field, what) {
  if (((field[0] ?? 0) & 128) !== 0) return decodeBase256(field, what);
  const text = field.toString("latin1").replace(/\0.*$/s, "").trim();
  const value = text === "" ? 0 : Number(`0o${text}`);
  if (/^[0-7]*$/.test(text) && Number.isSafeInteger(value)) return value;
  throw invalid2(`${JSON.stringify(text)} is not a number: ${what}`);
}
function asSize(value) {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid2(`${value} cannot be a size`);
}
function asId(value, what) {
  if (Number.isSafeInteger(value) && value >= 0 && value < 4294967295) return value;
  throw invalid2(`${value} cannot be a ${what}`);
}
function decodeText(field) {
  const end = field.indexOf(0);
  return Buffer.from(end === -1 ? field : field.subarray(0, end));
}
function invalid2(reason, cause) {
  return new CaissonError("ARCHIVE_INVALID", `the archive is not valid: ${reason}`, { cause });
}
function decodeBase256(field, what) {
  const isNegative = ((field[0] ?? 0) & 64) !== 0;
  let value = isNegative ? -1n : 0n;
  field.forEach((byte, index) => {
    value = value << 8n | BigInt(index === 0 && !isNegative ? byte & 127 : byte);
  });
  if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw invalid2(`${value} is out of range: ${what}`);
}
function checksums(block) {
  let unsigned = 8 * 32;
  let signed = unsigned;
  for (let index = 0; index < BLOCK; index++) {
    if (index >= 148 && index < 156) continue;
    const byte = block[index] ?? 0;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  return [unsigned, signed];
}
var BLOCK;
var init_header = __esm({
  "store/layer/header.ts"() {
    "use strict";
    init_syscalls();
    BLOCK = 512;
  }
});

// node_modules/fzstd/esm/index.mjs
var esm_exports = {};
__export(esm_exports, {
  Decompress: () => Decompress,
  ZstdErrorCode: () => ZstdErrorCode,
  decompress: () => decompress
});
function decompress(dat, buf) {
  var bufs = [], nb = +!buf;
  var bt = 0, ol = 0;
  for (; dat.length; ) {
    var st = rzfh(dat, nb || buf);
    if (typeof st == "object") {
      if (nb) {
        buf = null;
        if (st.w.length == st.u) {
          bufs.push(buf = st.w);
          ol += st.u;
        }
      } else {
        bufs.push(buf);
        st.e = 0;
      }
      for (; !st.l; ) {
        var blk = rzb(dat, st, buf);
        if (!blk)
          err(5);
        if (buf)
          st.e = st.y;
        else {
          bufs.push(blk);
          ol += blk.length;
          cpw(st.w, 0, blk.length);
          st.w.set(blk, st.w.length - blk.length);
        }
      }
      bt = st.b + st.c * 4;
    } else
      bt = st;
    dat = dat.subarray(bt);
  }
  return cct(bufs, ol);
}
var ab, u8, u16, i16, i32, slc, fill, cpw, ZstdErrorCode, ec, err, rb, b4, rzfh, msb, rfse, rhu, dllt, dmlt, doct, b2bl, llb, llbl, mlb, mlbl, dhu, dhu4, rzb, cct, Decompress;
var init_esm = __esm({
  "node_modules/fzstd/esm/index.mjs"() {
    ab = ArrayBuffer;
    u8 = Uint8Array;
    u16 = Uint16Array;
    i16 = Int16Array;
    i32 = Int32Array;
    slc = function(v, s, e) {
      if (u8.prototype.slice)
        return u8.prototype.slice.call(v, s, e);
      if (s == null || s < 0)
        s = 0;
      if (e == null || e > v.length)
        e = v.length;
      var n = new u8(e - s);
      n.set(v.subarray(s, e));
      return n;
    };
    fill = function(v, n, s, e) {
      if (u8.prototype.fill)
        return u8.prototype.fill.call(v, n, s, e);
      if (s == null || s < 0)
        s = 0;
      if (e == null || e > v.length)
        e = v.length;
      for (; s < e; ++s)
        v[s] = n;
      return v;
    };
    cpw = function(v, t, s, e) {
      if (u8.prototype.copyWithin)
        return u8.prototype.copyWithin.call(v, t, s, e);
      if (s == null || s < 0)
        s = 0;
      if (e == null || e > v.length)
        e = v.length;
      while (s < e) {
        v[t++] = v[s++];
      }
    };
    ZstdErrorCode = {
      InvalidData: 0,
      WindowSizeTooLarge: 1,
      InvalidBlockType: 2,
      FSEAccuracyTooHigh: 3,
      DistanceTooFarBack: 4,
      UnexpectedEOF: 5
    };
    ec = [
      "invalid zstd data",
      "window size too large (>2046MB)",
      "invalid block type",
      "FSE accuracy too high",
      "match distance too far back",
      "unexpected EOF"
    ];
    err = function(ind, msg, nt) {
      var e = new Error(msg || ec[ind]);
      e.code = ind;
      if (Error.captureStackTrace)
        Error.captureStackTrace(e, err);
      if (!nt)
        throw e;
      return e;
    };
    rb = function(d, b, n) {
      var i = 0, o = 0;
      for (; i < n; ++i)
        o |= d[b++] << (i << 3);
      return o;
    };
    b4 = function(d, b) {
      return (d[b] | d[b + 1] << 8 | d[b + 2] << 16 | d[b + 3] << 24) >>> 0;
    };
    rzfh = function(dat, w) {
      var n3 = dat[0] | dat[1] << 8 | dat[2] << 16;
      if (n3 == 3126568 && dat[3] == 253) {
        var flg = dat[4];
        var ss = flg >> 5 & 1, cc = flg >> 2 & 1, df = flg & 3, fcf = flg >> 6;
        if (flg & 8)
          err(0);
        var bt = 6 - ss;
        var db = df == 3 ? 4 : df;
        var di = rb(dat, bt, db);
        bt += db;
        var fsb = fcf ? 1 << fcf : ss;
        var fss = rb(dat, bt, fsb) + (fcf == 1 && 256);
        var ws = fss;
        if (!ss) {
          var wb = 1 << 10 + (dat[5] >> 3);
          ws = wb + (wb >> 3) * (dat[5] & 7);
        }
        if (ws > 2145386496)
          err(1);
        var buf = new u8((w == 1 ? fss || ws : w ? 0 : ws) + 12);
        buf[0] = 1, buf[4] = 4, buf[8] = 8;
        return {
          b: bt + fsb,
          y: 0,
          l: 0,
          d: di,
          w: w && w != 1 ? w : buf.subarray(12),
          e: ws,
          o: new i32(buf.buffer, 0, 3),
          u: fss,
          c: cc,
          m: Math.min(131072, ws)
        };
      } else if ((n3 >> 4 | dat[3] << 20) == 25481893) {
        return b4(dat, 4) + 8;
      }
      err(0);
    };
    msb = function(val) {
      var bits = 0;
      for (; 1 << bits <= val; ++bits)
        ;
      return bits - 1;
    };
    rfse = function(dat, bt, mal) {
      var tpos = (bt << 3) + 4;
      var al = (dat[bt] & 15) + 5;
      if (al > mal)
        err(3);
      var sz = 1 << al;
      var probs = sz, sym = -1, re = -1, i = -1, ht = sz;
      var buf = new ab(512 + (sz << 2));
      var freq = new i16(buf, 0, 256);
      var dstate = new u16(buf, 0, 256);
      var nstate = new u16(buf, 512, sz);
      var bb1 = 512 + (sz << 1);
      var syms = new u8(buf, bb1, sz);
      var nbits = new u8(buf, bb1 + sz);
      while (sym < 255 && probs > 0) {
        var bits = msb(probs + 1);
        var cbt = tpos >> 3;
        var msk = (1 << bits + 1) - 1;
        var val = (dat[cbt] | dat[cbt + 1] << 8 | dat[cbt + 2] << 16) >> (tpos & 7) & msk;
        var msk1fb = (1 << bits) - 1;
        var msv = msk - probs - 1;
        var sval = val & msk1fb;
        if (sval < msv)
          tpos += bits, val = sval;
        else {
          tpos += bits + 1;
          if (val > msk1fb)
            val -= msv;
        }
        freq[++sym] = --val;
        if (val == -1) {
          probs += val;
          syms[--ht] = sym;
        } else
          probs -= val;
        if (!val) {
          do {
            var rbt = tpos >> 3;
            re = (dat[rbt] | dat[rbt + 1] << 8) >> (tpos & 7) & 3;
            tpos += 2;
            sym += re;
          } while (re == 3);
        }
      }
      if (sym > 255 || probs)
        err(0);
      var sympos = 0;
      var sstep = (sz >> 1) + (sz >> 3) + 3;
      var smask = sz - 1;
      for (var s = 0; s <= sym; ++s) {
        var sf = freq[s];
        if (sf < 1) {
          dstate[s] = -sf;
          continue;
        }
        for (i = 0; i < sf; ++i) {
          syms[sympos] = s;
          do {
            sympos = sympos + sstep & smask;
          } while (sympos >= ht);
        }
      }
      if (sympos)
        err(0);
      for (i = 0; i < sz; ++i) {
        var ns = dstate[syms[i]]++;
        var nb = nbits[i] = al - msb(ns);
        nstate[i] = (ns << nb) - sz;
      }
      return [tpos + 7 >> 3, {
        b: al,
        s: syms,
        n: nbits,
        t: nstate
      }];
    };
    rhu = function(dat, bt) {
      var i = 0, wc = -1;
      var buf = new u8(292), hb = dat[bt];
      var hw = buf.subarray(0, 256);
      var rc = buf.subarray(256, 268);
      var ri = new u16(buf.buffer, 268);
      if (hb < 128) {
        var _a = rfse(dat, bt + 1, 6), ebt = _a[0], fdt = _a[1];
        bt += hb;
        var epos = ebt << 3;
        var lb = dat[bt];
        if (!lb)
          err(0);
        var st1 = 0, st2 = 0, btr1 = fdt.b, btr2 = btr1;
        var fpos = (++bt << 3) - 8 + msb(lb);
        for (; ; ) {
          fpos -= btr1;
          if (fpos < epos)
            break;
          var cbt = fpos >> 3;
          st1 += (dat[cbt] | dat[cbt + 1] << 8) >> (fpos & 7) & (1 << btr1) - 1;
          hw[++wc] = fdt.s[st1];
          fpos -= btr2;
          if (fpos < epos)
            break;
          cbt = fpos >> 3;
          st2 += (dat[cbt] | dat[cbt + 1] << 8) >> (fpos & 7) & (1 << btr2) - 1;
          hw[++wc] = fdt.s[st2];
          btr1 = fdt.n[st1];
          st1 = fdt.t[st1];
          btr2 = fdt.n[st2];
          st2 = fdt.t[st2];
        }
        if (++wc > 255)
          err(0);
      } else {
        wc = hb - 127;
        for (; i < wc; i += 2) {
          var byte = dat[++bt];
          hw[i] = byte >> 4;
          hw[i + 1] = byte & 15;
        }
        ++bt;
      }
      var wes = 0;
      for (i = 0; i < wc; ++i) {
        var wt = hw[i];
        if (wt > 11)
          err(0);
        wes += wt && 1 << wt - 1;
      }
      var mb = msb(wes) + 1;
      var ts = 1 << mb;
      var rem = ts - wes;
      if (rem & rem - 1)
        err(0);
      hw[wc++] = msb(rem) + 1;
      for (i = 0; i < wc; ++i) {
        var wt = hw[i];
        ++rc[hw[i] = wt && mb + 1 - wt];
      }
      var hbuf = new u8(ts << 1);
      var syms = hbuf.subarray(0, ts), nb = hbuf.subarray(ts);
      ri[mb] = 0;
      for (i = mb; i > 0; --i) {
        var pv = ri[i];
        fill(nb, i, pv, ri[i - 1] = pv + rc[i] * (1 << mb - i));
      }
      if (ri[0] != ts)
        err(0);
      for (i = 0; i < wc; ++i) {
        var bits = hw[i];
        if (bits) {
          var code2 = ri[bits];
          fill(syms, i, code2, ri[bits] = code2 + (1 << mb - bits));
        }
      }
      return [bt, {
        n: nb,
        b: mb,
        s: syms
      }];
    };
    dllt = rfse(/* @__PURE__ */ new u8([
      81,
      16,
      99,
      140,
      49,
      198,
      24,
      99,
      12,
      33,
      196,
      24,
      99,
      102,
      102,
      134,
      70,
      146,
      4
    ]), 0, 6)[1];
    dmlt = rfse(/* @__PURE__ */ new u8([
      33,
      20,
      196,
      24,
      99,
      140,
      33,
      132,
      16,
      66,
      8,
      33,
      132,
      16,
      66,
      8,
      33,
      68,
      68,
      68,
      68,
      68,
      68,
      68,
      68,
      36,
      9
    ]), 0, 6)[1];
    doct = rfse(/* @__PURE__ */ new u8([
      32,
      132,
      16,
      66,
      102,
      70,
      68,
      68,
      68,
      68,
      36,
      73,
      2
    ]), 0, 5)[1];
    b2bl = function(b, s) {
      var len = b.length, bl = new i32(len);
      for (var i = 0; i < len; ++i) {
        bl[i] = s;
        s += 1 << b[i];
      }
      return bl;
    };
    llb = /* @__PURE__ */ new u8((/* @__PURE__ */ new i32([
      0,
      0,
      0,
      0,
      16843009,
      50528770,
      134678020,
      202050057,
      269422093
    ])).buffer, 0, 36);
    llbl = /* @__PURE__ */ b2bl(llb, 0);
    mlb = /* @__PURE__ */ new u8((/* @__PURE__ */ new i32([
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      16843009,
      50528770,
      117769220,
      185207048,
      252579084,
      16
    ])).buffer, 0, 53);
    mlbl = /* @__PURE__ */ b2bl(mlb, 3);
    dhu = function(dat, out, hu) {
      var len = dat.length, ss = out.length, lb = dat[len - 1], msk = (1 << hu.b) - 1, eb = -hu.b;
      if (!lb)
        err(0);
      var st = 0, btr = hu.b, pos = (len << 3) - 8 + msb(lb) - btr, i = -1;
      for (; pos > eb && i < ss; ) {
        var cbt = pos >> 3;
        var val = (dat[cbt] | dat[cbt + 1] << 8 | dat[cbt + 2] << 16) >> (pos & 7);
        st = (st << btr | val) & msk;
        out[++i] = hu.s[st];
        pos -= btr = hu.n[st];
      }
      if (pos != eb || i + 1 != ss)
        err(0);
    };
    dhu4 = function(dat, out, hu) {
      var bt = 6;
      var ss = out.length, sz1 = ss + 3 >> 2, sz2 = sz1 << 1, sz3 = sz1 + sz2;
      dhu(dat.subarray(bt, bt += dat[0] | dat[1] << 8), out.subarray(0, sz1), hu);
      dhu(dat.subarray(bt, bt += dat[2] | dat[3] << 8), out.subarray(sz1, sz2), hu);
      dhu(dat.subarray(bt, bt += dat[4] | dat[5] << 8), out.subarray(sz2, sz3), hu);
      dhu(dat.subarray(bt), out.subarray(sz3), hu);
    };
    rzb = function(dat, st, out) {
      var _a;
      var bt = st.b;
      var b0 = dat[bt], btype = b0 >> 1 & 3;
      st.l = b0 & 1;
      var sz = b0 >> 3 | dat[bt + 1] << 5 | dat[bt + 2] << 13;
      var ebt = (bt += 3) + sz;
      if (btype == 1) {
        if (bt >= dat.length)
          return;
        st.b = bt + 1;
        if (out) {
          fill(out, dat[bt], st.y, st.y += sz);
          return out;
        }
        return fill(new u8(sz), dat[bt]);
      }
      if (ebt > dat.length)
        return;
      if (btype == 0) {
        st.b = ebt;
        if (out) {
          out.set(dat.subarray(bt, ebt), st.y);
          st.y += sz;
          return out;
        }
        return slc(dat, bt, ebt);
      }
      if (btype == 2) {
        var b3 = dat[bt], lbt = b3 & 3, sf = b3 >> 2 & 3;
        var lss = b3 >> 4, lcs = 0, s4 = 0;
        if (lbt < 2) {
          if (sf & 1)
            lss |= dat[++bt] << 4 | (sf & 2 && dat[++bt] << 12);
          else
            lss = b3 >> 3;
        } else {
          s4 = sf;
          if (sf < 2)
            lss |= (dat[++bt] & 63) << 4, lcs = dat[bt] >> 6 | dat[++bt] << 2;
          else if (sf == 2)
            lss |= dat[++bt] << 4 | (dat[++bt] & 3) << 12, lcs = dat[bt] >> 2 | dat[++bt] << 6;
          else
            lss |= dat[++bt] << 4 | (dat[++bt] & 63) << 12, lcs = dat[bt] >> 6 | dat[++bt] << 2 | dat[++bt] << 10;
        }
        ++bt;
        var buf = out ? out.subarray(st.y, st.y + st.m) : new u8(st.m);
        var spl = buf.length - lss;
        if (lbt == 0)
          buf.set(dat.subarray(bt, bt += lss), spl);
        else if (lbt == 1)
          fill(buf, dat[bt++], spl);
        else {
          var hu = st.h;
          if (lbt == 2) {
            var hud = rhu(dat, bt);
            lcs += bt - (bt = hud[0]);
            st.h = hu = hud[1];
          } else if (!hu)
            err(0);
          (s4 ? dhu4 : dhu)(dat.subarray(bt, bt += lcs), buf.subarray(spl), hu);
        }
        var ns = dat[bt++];
        if (ns) {
          if (ns == 255)
            ns = (dat[bt++] | dat[bt++] << 8) + 32512;
          else if (ns > 127)
            ns = ns - 128 << 8 | dat[bt++];
          var scm = dat[bt++];
          if (scm & 3)
            err(0);
          var dts = [dmlt, doct, dllt];
          for (var i = 2; i > -1; --i) {
            var md = scm >> (i << 1) + 2 & 3;
            if (md == 1) {
              var rbuf = new u8([0, 0, dat[bt++]]);
              dts[i] = {
                s: rbuf.subarray(2, 3),
                n: rbuf.subarray(0, 1),
                t: new u16(rbuf.buffer, 0, 1),
                b: 0
              };
            } else if (md == 2) {
              _a = rfse(dat, bt, 9 - (i & 1)), bt = _a[0], dts[i] = _a[1];
            } else if (md == 3) {
              if (!st.t)
                err(0);
              dts[i] = st.t[i];
            }
          }
          var _b = st.t = dts, mlt = _b[0], oct = _b[1], llt = _b[2];
          var lb = dat[ebt - 1];
          if (!lb)
            err(0);
          var spos = (ebt << 3) - 8 + msb(lb) - llt.b, cbt = spos >> 3, oubt = 0;
          var lst = (dat[cbt] | dat[cbt + 1] << 8) >> (spos & 7) & (1 << llt.b) - 1;
          cbt = (spos -= oct.b) >> 3;
          var ost = (dat[cbt] | dat[cbt + 1] << 8) >> (spos & 7) & (1 << oct.b) - 1;
          cbt = (spos -= mlt.b) >> 3;
          var mst = (dat[cbt] | dat[cbt + 1] << 8) >> (spos & 7) & (1 << mlt.b) - 1;
          for (++ns; --ns; ) {
            var llc = llt.s[lst];
            var lbtr = llt.n[lst];
            var mlc = mlt.s[mst];
            var mbtr = mlt.n[mst];
            var ofc = oct.s[ost];
            var obtr = oct.n[ost];
            cbt = (spos -= ofc) >> 3;
            var ofp = 1 << ofc;
            var off = ofp + ((dat[cbt] | dat[cbt + 1] << 8 | dat[cbt + 2] << 16 | dat[cbt + 3] << 24) >>> (spos & 7) & ofp - 1);
            cbt = (spos -= mlb[mlc]) >> 3;
            var ml = mlbl[mlc] + ((dat[cbt] | dat[cbt + 1] << 8 | dat[cbt + 2] << 16) >> (spos & 7) & (1 << mlb[mlc]) - 1);
            cbt = (spos -= llb[llc]) >> 3;
            var ll = llbl[llc] + ((dat[cbt] | dat[cbt + 1] << 8 | dat[cbt + 2] << 16) >> (spos & 7) & (1 << llb[llc]) - 1);
            cbt = (spos -= lbtr) >> 3;
            lst = llt.t[lst] + ((dat[cbt] | dat[cbt + 1] << 8) >> (spos & 7) & (1 << lbtr) - 1);
            cbt = (spos -= mbtr) >> 3;
            mst = mlt.t[mst] + ((dat[cbt] | dat[cbt + 1] << 8) >> (spos & 7) & (1 << mbtr) - 1);
            cbt = (spos -= obtr) >> 3;
            ost = oct.t[ost] + ((dat[cbt] | dat[cbt + 1] << 8) >> (spos & 7) & (1 << obtr) - 1);
            if (off > 3) {
              st.o[2] = st.o[1];
              st.o[1] = st.o[0];
              st.o[0] = off -= 3;
            } else {
              var idx = off - (ll != 0);
              if (idx) {
                off = idx == 3 ? st.o[0] - 1 : st.o[idx];
                if (idx > 1)
                  st.o[2] = st.o[1];
                st.o[1] = st.o[0];
                st.o[0] = off;
              } else
                off = st.o[0];
            }
            for (var i = 0; i < ll; ++i) {
              buf[oubt + i] = buf[spl + i];
            }
            oubt += ll, spl += ll;
            var stin = oubt - off;
            if (stin < 0) {
              var len = -stin;
              var bs = st.e + stin;
              if (len > ml)
                len = ml;
              for (var i = 0; i < len; ++i) {
                buf[oubt + i] = st.w[bs + i];
              }
              oubt += len, ml -= len, stin = 0;
            }
            for (var i = 0; i < ml; ++i) {
              buf[oubt + i] = buf[stin + i];
            }
            oubt += ml;
          }
          if (oubt != spl) {
            while (spl < buf.length) {
              buf[oubt++] = buf[spl++];
            }
          } else
            oubt = buf.length;
          if (out)
            st.y += oubt;
          else
            buf = slc(buf, 0, oubt);
        } else if (out) {
          st.y += lss;
          if (spl) {
            for (var i = 0; i < lss; ++i) {
              buf[i] = buf[spl + i];
            }
          }
        } else if (spl)
          buf = slc(buf, spl);
        st.b = ebt;
        return buf;
      }
      err(2);
    };
    cct = function(bufs, ol) {
      if (bufs.length == 1)
        return bufs[0];
      var buf = new u8(ol);
      for (var i = 0, b = 0; i < bufs.length; ++i) {
        var chk = bufs[i];
        buf.set(chk, b);
        b += chk.length;
      }
      return buf;
    };
    Decompress = /* @__PURE__ */ (function() {
      function Decompress2(ondata) {
        this.ondata = ondata;
        this.c = [];
        this.l = 0;
        this.z = 0;
      }
      Decompress2.prototype.push = function(chunk, final) {
        if (typeof this.s == "number") {
          var sub = Math.min(chunk.length, this.s);
          chunk = chunk.subarray(sub);
          this.s -= sub;
        }
        var sl = chunk.length;
        var ncs = sl + this.l;
        if (!this.s) {
          if (final) {
            if (!ncs) {
              this.ondata(new u8(0), true);
              return;
            }
            if (ncs < 5)
              err(5);
          } else if (ncs < 18) {
            this.c.push(chunk);
            this.l = ncs;
            return;
          }
          if (this.l) {
            this.c.push(chunk);
            chunk = cct(this.c, ncs);
            this.c = [];
            this.l = 0;
          }
          if (typeof (this.s = rzfh(chunk)) == "number")
            return this.push(chunk, final);
        }
        if (typeof this.s != "number") {
          if (ncs < (this.z || 3)) {
            if (final)
              err(5);
            this.c.push(chunk);
            this.l = ncs;
            return;
          }
          if (this.l) {
            this.c.push(chunk);
            chunk = cct(this.c, ncs);
            this.c = [];
            this.l = 0;
          }
          if (!this.z && ncs < (this.z = chunk[this.s.b] & 2 ? 4 : 3 + (chunk[this.s.b] >> 3 | chunk[this.s.b + 1] << 5 | chunk[this.s.b + 2] << 13))) {
            if (final)
              err(5);
            this.c.push(chunk);
            this.l = ncs;
            return;
          } else
            this.z = 0;
          for (; ; ) {
            var blk = rzb(chunk, this.s);
            if (!blk) {
              if (final)
                err(5);
              var adc = chunk.subarray(this.s.b);
              this.s.b = 0;
              this.c.push(adc), this.l += adc.length;
              return;
            } else {
              this.ondata(blk, false);
              cpw(this.s.w, 0, blk.length);
              this.s.w.set(blk, this.s.w.length - blk.length);
            }
            if (this.s.l) {
              var rest = chunk.subarray(this.s.b);
              this.s = this.s.c * 4;
              this.push(rest, final);
              return;
            }
          }
        } else if (final)
          err(5);
      };
      return Decompress2;
    })();
  }
});

// store/layer/zstd.ts
var zstd_exports = {};
__export(zstd_exports, {
  unzstd: () => unzstd
});
async function* unzstd(source2) {
  const { Decompress: Decompress2 } = await Promise.resolve().then(() => (init_esm(), esm_exports));
  let output = [];
  const decoder = new Decompress2((bytes) => output.push(bytes));
  const push = (bytes, isLast) => {
    output = [];
    try {
      decoder.push(bytes, isLast);
    } catch (error) {
      throw invalid2(`its zstd content: ${error instanceof Error ? error.message : String(error)}`, error);
    }
    return output;
  };
  for await (const chunk of source2) {
    for (let at = 0; at < chunk.length; at += INPUT_BYTES) yield* push(chunk.slice(at, at + INPUT_BYTES), false);
  }
  yield* push(new Uint8Array(0), true);
}
var INPUT_BYTES;
var init_zstd = __esm({
  "store/layer/zstd.ts"() {
    "use strict";
    init_header();
    INPUT_BYTES = 1024;
  }
});

// sdk/container.ts
import { randomUUID } from "node:crypto";
import { inspect as inspect3 } from "node:util";

// node_modules/eventemitter3/index.mjs
var import_index = __toESM(require_eventemitter3(), 1);

// store/containers.ts
init_syscalls();
import { chmodSync as chmodSync3, mkdirSync as mkdirSync2, readFileSync as readFileSync2, renameSync, rmdirSync, unlinkSync as unlinkSync4, writeFileSync as writeFileSync2 } from "node:fs";

// store/layout.ts
init_syscalls();
import {
  accessSync,
  chmodSync,
  constants as constants4,
  linkSync,
  mkdirSync,
  readdirSync as readdirSync2,
  readFileSync,
  statSync,
  unlinkSync as unlinkSync3,
  writeFileSync
} from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join as join2, resolve } from "node:path";

// store/digest.ts
init_syscalls();
import { createHash } from "node:crypto";
function parseDigest(digest) {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === void 0) {
    throw new CaissonError("DIGEST_INVALID", `not a sha256 digest: ${JSON.stringify(digest.slice(0, 100))}`);
  }
  return hex;
}
function isDigest(text) {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}
function digestOf(bytes) {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
async function* verify(source2, { digest, size }, what) {
  parseDigest(digest);
  const hash = createHash("sha256");
  let count = 0;
  for await (const chunk of source2) {
    count += chunk.length;
    if (size !== void 0 && count > size) throw sizeMismatch(what, digest, size, `more`);
    hash.update(chunk);
    yield chunk;
  }
  if (size !== void 0 && count < size) throw sizeMismatch(what, digest, size, `only ${count}`);
  const actual = `sha256:${hash.digest("hex")}`;
  if (actual !== digest) {
    throw new CaissonError("DIGEST_MISMATCH", `${what} should have digest ${digest}, but has ${actual}`);
  }
}
function measure2(source2) {
  const hash = createHash("sha256");
  let size = 0;
  async function* pass() {
    for await (const chunk of source2) {
      size += chunk.length;
      hash.update(chunk);
      yield chunk;
    }
  }
  return { chunks: pass(), result: () => ({ digest: `sha256:${hash.digest("hex")}`, size }) };
}
function sizeMismatch(what, digest, size, got) {
  return new CaissonError("SIZE_MISMATCH", `${what} ${digest} should have ${size} bytes, but has ${got}`);
}

// store/owner.ts
init_syscalls();
import { randomBytes } from "node:crypto";
import { readdirSync, unlinkSync as unlinkSync2 } from "node:fs";
import { join } from "node:path";

// store/lock.ts
init_syscalls();
import { closeSync, fstatSync, openSync, unlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
function tryLock(path, { create = true } = {}) {
  const fd = openLockFile(path, create);
  if (fd === void 0) return void 0;
  try {
    flock(fd, LOCK_EX | LOCK_NB);
    if (fstatSync(fd).nlink === 0) {
      closeSync(fd);
      return create ? tryLock(path, { create }) : void 0;
    }
  } catch (error) {
    closeSync(fd);
    if (hasCode(error, "EAGAIN", "EWOULDBLOCK")) return void 0;
    throw error;
  }
  return {
    path,
    release({ remove = false } = {}) {
      if (remove) unlinkSync(path);
      closeSync(fd);
    }
  };
}
async function withLock(path, action) {
  let lock = tryLock(path);
  for (let pauseMs = 1; lock === void 0; pauseMs = Math.min(pauseMs * 2, 50)) {
    await delay(pauseMs);
    lock = tryLock(path);
  }
  try {
    return await action();
  } finally {
    lock.release({ remove: true });
  }
}
function openLockFile(path, create) {
  try {
    return openSync(path, create ? "a" : "r+", 384);
  } catch (error) {
    if (!create && hasCode(error, "ENOENT")) return void 0;
    throw error;
  }
}

// store/owner.ts
var owners = /* @__PURE__ */ new Map();
var counter = 0;
function ownerOf(store) {
  let owner = owners.get(store);
  if (owner === void 0) {
    if (owners.size === 0) process.once("exit", leave);
    owner = becomeOwner(store);
    owners.set(store, owner);
  }
  return owner;
}
var owned = /* @__PURE__ */ new Set();
function own(path) {
  owned.add(path);
}
function disown(path) {
  owned.delete(path);
}
function temporaryPath(store) {
  return `${store.tmp}/${ownerOf(store)}.${counter++}`;
}
function ownerOfTemporary(name) {
  return name.slice(0, name.indexOf("."));
}
function ownerLockPath(store, owner) {
  return join(store.locks, `${owner}.lock`);
}
function ownerOfLock(name) {
  return /^(owner-[0-9a-f]+)\.lock$/.exec(name)?.[1];
}
function becomeOwner(store) {
  for (; ; ) {
    const owner = `owner-${randomBytes(8).toString("hex")}`;
    if (tryLock(ownerLockPath(store, owner)) !== void 0) return owner;
  }
}
function leave() {
  for (const [store, owner] of owners) {
    const isLeft = (path) => path.startsWith(`${store.root}/`);
    try {
      if ([...owned].some(isLeft) || readdirSync(store.tmp).some((name) => ownerOfTemporary(name) === owner)) continue;
      unlinkSync2(ownerLockPath(store, owner));
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
  }
}

// store/layout.ts
var LAYOUT = '{"imageLayoutVersion":"1.0.0"}';
var EMPTY_INDEX = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}';
var NAMES = /* @__PURE__ */ new Set(["oci-layout", "index.json", "blobs", "layers", "containers", "host", "volumes", "locks", "tmp"]);
var opened = /* @__PURE__ */ new Map();
function openStore(root2) {
  const path = rootPath(root2);
  try {
    const known = opened.get(path);
    if (known !== void 0 && isThere(known)) return known;
    const store = storeAt(path);
    makeStore(store);
    accessSync(path, constants4.W_OK | constants4.X_OK);
    opened.set(path, store);
    return store;
  } catch (error) {
    throw explainStoreError(error, `opening the store at '${path}'`, path);
  }
}
function describeStore(root2) {
  return storeAt(rootPath(root2));
}
function rootPath(root2) {
  return resolve(root2 ?? defaultRoot(process.env, process.geteuid?.() ?? 0, homedir()));
}
function defaultRoot(env, uid, home) {
  if (env.CAISSON_ROOT !== void 0 && env.CAISSON_ROOT !== "") return env.CAISSON_ROOT;
  if (uid === 0) return "/var/lib/caisson";
  const data = env.XDG_DATA_HOME;
  return join2(data !== void 0 && isAbsolute(data) ? data : join2(home, ".local", "share"), "caisson");
}
function blobPath(store, digest) {
  return join2(store.blobs, parseDigest(digest));
}
function layerPath(store, diffId) {
  return join2(store.layers, parseDigest(diffId));
}
function containerPaths(store, id) {
  if (!isContainerId(id)) {
    throw new TypeError(
      `a container's id must be 1 to 128 letters, digits, '_', '.' or '-', got ${JSON.stringify(id)}`
    );
  }
  return containerPathsIn(`${store.containers}/${id}`);
}
function isContainerId(id) {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(id);
}
function containerPathsIn(path) {
  return { path, upper: `${path}/upper`, work: `${path}/work`, record: `${path}/record.json` };
}
function explainStoreError(error, doing, path) {
  if (hasCode(error, "ENOSPC", "EDQUOT")) {
    return new CaissonError("STORE_FULL", `${doing}: no space left for '${path}'`, { cause: error, hint });
  }
  if (hasCode(error, "EROFS", "EACCES", "EPERM")) {
    return new CaissonError("STORE_NOT_WRITABLE", `${doing}: '${path}' cannot be written`, { cause: error, hint });
  }
  if (hasCode(error, "ENOTDIR", "EEXIST", "ELOOP")) {
    return new CaissonError("STORE_INVALID", `${doing}: '${path}' is not a directory`, { cause: error, hint });
  }
  return error;
}
var hint = "set CAISSON_ROOT to a directory on a disk with room, that you may write";
function storeAt(root2) {
  return Object.freeze({
    root: root2,
    index: join2(root2, "index.json"),
    blobs: join2(root2, "blobs", "sha256"),
    layers: join2(root2, "layers"),
    containers: join2(root2, "containers"),
    host: join2(root2, "host"),
    locks: join2(root2, "locks"),
    tmp: join2(root2, "tmp")
  });
}
function isThere({ root: root2 }) {
  return statSync(join2(root2, "oci-layout"), { throwIfNoEntry: false }) !== void 0;
}
function makeStore(store) {
  const { root: root2, blobs, layers, containers, host, locks, tmp } = store;
  mkdirSync(root2, { recursive: true, mode: 448 });
  const names2 = readdirSync2(root2);
  const foreign = names2.find((name) => !NAMES.has(name));
  if (foreign !== void 0 && !names2.includes("oci-layout")) {
    throw new CaissonError("STORE_INVALID", `'${root2}' is not a store: it has '${foreign}' in it`, {
      hint: "name an empty or a new directory in CAISSON_ROOT"
    });
  }
  const { mode, uid } = statSync(root2);
  if ((mode & 63) !== 0 && uid === process.geteuid?.()) chmodSync(root2, 448);
  for (const path of [blobs, layers, containers, host, locks, tmp]) mkdirSync(path, { recursive: true, mode: 448 });
  writeOnce(store, store.index, EMPTY_INDEX);
  writeOnce(store, join2(root2, "oci-layout"), LAYOUT);
  checkLayoutVersion(join2(root2, "oci-layout"));
}
function writeOnce(store, path, content) {
  if (statSync(path, { throwIfNoEntry: false }) !== void 0) return;
  const temporary = temporaryPath(store);
  writeFileSync(temporary, content, { flag: "wx", flush: true, mode: 384 });
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  } finally {
    unlinkSync3(temporary);
  }
}
function checkLayoutVersion(path) {
  const text = readFileSync(path, "utf8");
  if (!/"imageLayoutVersion"\s*:\s*"1\./.test(text)) {
    throw new CaissonError(
      "STORE_INVALID",
      `'${path}' is not of an OCI image layout of version 1: ${text.slice(0, 100)}`
    );
  }
}

// store/remove.ts
init_syscalls();
import { chmodSync as chmodSync2, fstatSync as fstatSync2, readdirSync as readdirSync3 } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
var ENTRIES_PER_TURN = 256;
function removeTree(path) {
  return inTurns(removal(AT_FDCWD, path));
}
function removeTreeAt(directory, name) {
  const steps = removal(directory, name);
  while (steps.next().done !== true) ;
}
function inTurns(steps) {
  try {
    if (steps.next().done === true) return Promise.resolve();
  } catch (error) {
    return Promise.reject(error);
  }
  return (async () => {
    do
      await nextTurn();
    while (steps.next().done !== true);
  })();
}
function* removal(at, path) {
  const top = openDirectory(at, path);
  if (top === void 0) return unlink(at, path, 0);
  try {
    const moveUp = mover(top);
    for (let entries = list(top); entries.length > 0; entries = list(top)) {
      for (const { name, isDirectory } of entries) {
        if (isDirectory) yield* empty(top, name, moveUp);
        else unlink(top, name, 0);
      }
    }
  } finally {
    close(top);
  }
  unlink(at, path, AT_REMOVEDIR);
}
function* empty(top, name, moveUp) {
  const directory = openDirectory(top, name);
  if (directory === void 0) return;
  try {
    let count = 0;
    for (const child of list(directory)) {
      if (child.isDirectory) moveUp(directory, child.name);
      else unlink(directory, child.name, 0);
      if (++count % ENTRIES_PER_TURN === 0) yield;
    }
  } finally {
    close(directory);
  }
  unlink(top, name, AT_REMOVEDIR);
}
function mover(top) {
  let counter2 = 0;
  return (from, name) => {
    const directory = openDirectory(from, name);
    if (directory === void 0) return;
    close(directory);
    for (; ; ) {
      try {
        renameat2(from, name, top, `.removed-${counter2++}`, RENAME_NOREPLACE);
        return;
      } catch (error) {
        if (hasCode(error, "ENOENT")) return;
        if (!hasCode(error, "EEXIST")) throw error;
      }
    }
  };
}
function unlink(at, name, flags) {
  try {
    unlinkat(at, name, flags);
  } catch (error) {
    if (!hasCode(error, "ENOENT", "ENOTEMPTY", "EEXIST", "EISDIR", "ENOTDIR")) throw error;
  }
}
function openDirectory(at, name) {
  let handle;
  try {
    handle = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if ((fstatSync2(handle).mode & 448) !== 448) chmodSync2(`/proc/self/fd/${handle}`, 448);
    return openat(handle, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "ELOOP")) return void 0;
    throw error;
  } finally {
    if (handle !== void 0) close(handle);
  }
}
function list(directory) {
  const options = { encoding: "buffer", withFileTypes: true };
  return readdirSync3(`/proc/self/fd/${directory}`, options).map((entry) => ({
    name: Buffer.concat([entry.name, NUL]),
    isDirectory: entry.isDirectory()
  }));
}
var NUL = Buffer.alloc(1);

// store/containers.ts
function createContainerDirectory(store, id, record, rootMode = 493) {
  const paths = containerPaths(store, id);
  const made = containerPathsIn(temporaryPath(store));
  try {
    mkdirSync2(made.path, 448);
    mkdirSync2(made.upper, rootMode);
    if ((rootMode & ~448) !== 0) chmodSync3(made.upper, rootMode);
    mkdirSync2(made.work, 448);
    writeFileSync2(made.record, JSON.stringify({ ...record, owner: ownerOf(store) }), { mode: 384 });
    renameSync(made.path, paths.path);
    own(paths.path);
    return paths;
  } catch (error) {
    void removeTree(made.path).catch(() => void 0);
    if (hasCode(error, "ENOTEMPTY", "EEXIST")) {
      throw new CaissonError("CONTAINER_EXISTS", `there is a container with the id '${id}'`, { cause: error });
    }
    throw explainStoreError(error, `making the directory of container '${id}'`, paths.path);
  }
}
function removeContainerDirectory(store, id) {
  const { path } = containerPaths(store, id);
  const aside = temporaryPath(store);
  try {
    renameSync(path, aside);
    disown(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return Promise.resolve();
    return Promise.reject(explainStoreError(error, `removing the directory of container '${id}'`, path));
  }
  return removeUntouched(aside) ? Promise.resolve() : removeTree(aside);
}
var UNTOUCHED = [
  [rmdirSync, "upper"],
  [unlinkSync4, "work/work/incompat/volatile/dirty"],
  [rmdirSync, "work/work/incompat/volatile"],
  [rmdirSync, "work/work/incompat"],
  [rmdirSync, "work/work"],
  [rmdirSync, "work"],
  [unlinkSync4, "record.json"]
];
var CLOSED = ["work/work", "work/work/incompat", "work/work/incompat/volatile"];
function removeUntouched(path) {
  try {
    if (!isRoot()) for (const name of CLOSED) chmodSync3(`${path}/${name}`, 448);
    for (const [remove, name] of UNTOUCHED) remove(`${path}/${name}`);
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}
var root;
function isRoot() {
  root ??= process.geteuid?.() === 0;
  return root;
}
function readContainerRecord(store, id) {
  const path = containerPaths(store, id).record;
  let text;
  try {
    text = readFileSync2(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return void 0;
    throw error;
  }
  try {
    const record = JSON.parse(text);
    if (typeof record === "object" && record !== null) return record;
  } catch (cause) {
    throw new CaissonError("RECORD_INVALID", `'${path}' is not JSON`, { cause });
  }
  throw new CaissonError("RECORD_INVALID", `'${path}' is not an object of JSON`);
}

// store/images.ts
init_syscalls();
import { lstatSync, readFileSync as readFileSync5 } from "node:fs";

// store/atomic.ts
init_syscalls();
import { closeSync as closeSync2, fsyncSync, openSync as openSync2, renameSync as renameSync2, writeFileSync as writeFileSync3 } from "node:fs";
import { dirname } from "node:path";
function writeFileAtomically(temporary, path, content) {
  writeFileSync3(temporary, content, { flag: "wx", flush: true, mode: 384 });
  publishFile(temporary, path);
}
function publishFile(temporary, path) {
  renameSync2(temporary, path);
  syncDirectory(dirname(path));
}
function publishDirectory(temporary, path) {
  try {
    renameSync2(temporary, path);
  } catch (error) {
    if (hasCode(error, "ENOTEMPTY", "EEXIST")) return false;
    throw error;
  }
  syncDirectory(dirname(path));
  return true;
}
function syncDisk(path) {
  withDescriptor(path, (fd) => syncfs(fd));
}
function syncDirectory(path) {
  withDescriptor(path, fsyncSync);
}
function withDescriptor(path, action) {
  const fd = openSync2(path, "r");
  try {
    action(fd);
  } finally {
    closeSync2(fd);
  }
}

// store/blobs.ts
init_syscalls();
import {
  closeSync as closeSync3,
  createReadStream,
  fstatSync as fstatSync3,
  fsyncSync as fsyncSync2,
  openSync as openSync3,
  readFileSync as readFileSync3,
  statSync as statSync2,
  unlinkSync as unlinkSync5,
  writeSync
} from "node:fs";

// store/json.ts
init_syscalls();
var DocumentError = class extends Error {
  name = "DocumentError";
};
function parseDocument(text, what, read2) {
  return parseJson(text, what, (value) => read2(asObject(value, "the document")));
}
function parseJson(text, what, read2) {
  try {
    return read2(JSON.parse(typeof text === "string" ? text : new TextDecoder().decode(text)));
  } catch (error) {
    if (!(error instanceof DocumentError || error instanceof SyntaxError)) throw error;
    throw new CaissonError("IMAGE_INVALID", `${what} is not valid: ${error.message}`, { cause: error });
  }
}
function asObject(value, what) {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new DocumentError(`${what} must be an object, got ${brief(value)}`);
}
function asArray(value, what, read2) {
  if (!Array.isArray(value)) throw new DocumentError(`${what} must be an array, got ${brief(value)}`);
  return value.map((item, index) => read2(item, `${what}[${index}]`));
}
function asString(value, what) {
  if (typeof value === "string") return value;
  throw new DocumentError(`${what} must be a string, got ${brief(value)}`);
}
function asCount(value, what) {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new DocumentError(`${what} must be a whole number, got ${brief(value)}`);
}
function asStrings(value, what) {
  const entries = Object.entries(asObject(value, what));
  return Object.freeze(Object.fromEntries(entries.map(([key, item]) => [key, asString(item, `${what}.${key}`)])));
}
function optional(value, what, read2) {
  return value === void 0 || value === null ? void 0 : read2(value, what);
}
function brief(value) {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}\u2026` : text;
}

// store/blobs.ts
var MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;
function hasBlob(store, { digest, size }) {
  const stats = statSync2(blobPath(store, digest), { throwIfNoEntry: false });
  return stats !== void 0 && (size === void 0 || stats.size === size);
}
async function writeVerified(source2, expected, path) {
  const fd = openSync3(path, "wx", 256);
  try {
    for await (const chunk of verify(source2, expected, "blob")) writeAll(fd, chunk);
    fsyncSync2(fd);
  } catch (error) {
    unlinkSync5(path);
    throw explainStoreError(error, `writing blob ${expected.digest}`, path);
  } finally {
    closeSync3(fd);
  }
}
function writeAll(fd, chunk, position = null) {
  for (let done = 0; done < chunk.length; ) {
    done += writeSync(fd, chunk, done, chunk.length - done, position === null ? null : position + done);
  }
}
function readBlobDocument(store, expected, what, read2) {
  const fd = openBlobFile(store, expected.digest);
  try {
    checkDocumentSize(fstatSync3(fd).size, `${what} ${expected.digest}`);
    const bytes = readFileSync3(fd);
    checkDocument(bytes, expected, what);
    return parseDocument(bytes, `${what} ${expected.digest}`, read2);
  } finally {
    closeSync3(fd);
  }
}
function checkDocumentSize(size, what) {
  if (size <= MAX_DOCUMENT_BYTES) return;
  throw new CaissonError(
    "IMAGE_INVALID",
    `${what} has ${size} bytes, more than the ${MAX_DOCUMENT_BYTES} of a document`
  );
}
function checkDocument(bytes, { digest, size }, what) {
  const actual = digestOf(bytes);
  if (actual !== digest)
    throw new CaissonError("DIGEST_MISMATCH", `${what} should have digest ${digest}, but has ${actual}`);
  if (size === void 0 || bytes.length === size) return;
  throw new CaissonError("SIZE_MISMATCH", `${what} ${digest} should have ${size} bytes, but has ${bytes.length}`);
}
function openBlobFile(store, digest) {
  try {
    return openSync3(blobPath(store, digest), "r");
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    throw new CaissonError("BLOB_NOT_FOUND", `blob ${digest} is not in the store at '${store.root}'`, { cause: error });
  }
}

// store/layer/opaque.ts
init_syscalls();
import { readFileSync as readFileSync4 } from "node:fs";
var OPAQUE_ATTRIBUTES = ["trusted.overlay.opaque", "user.overlay.opaque"];
function visibleLayers(layers) {
  const base = layers.findLastIndex(isOpaque);
  const visible = layers.slice(Math.max(base, 0));
  return Object.freeze(visible.filter((layer, index) => visible.lastIndexOf(layer) === index));
}
function isOpaque(directory) {
  return OPAQUE_ATTRIBUTES.some((name) => {
    try {
      const value = Buffer.alloc(1);
      return lgetxattr(directory, name, value, 1) === 1 && value.toString() === "y";
    } catch (error) {
      if (hasCode(error, "ENODATA", "ENOTSUP", "EOPNOTSUPP", "ERANGE", "EPERM")) return false;
      throw error;
    }
  });
}
function isPrivileged() {
  if (process.geteuid?.() !== 0) return false;
  return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync4("/proc/self/uid_map", "utf8"));
}

// store/manifest.ts
var MEDIA_TYPES = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  layerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  layerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json"
};
var INDEX_TYPES = [MEDIA_TYPES.index, MEDIA_TYPES.dockerList];
var MANIFEST_TYPES = [MEDIA_TYPES.manifest, MEDIA_TYPES.dockerManifest];
function kindOf(mediaType) {
  if (INDEX_TYPES.includes(mediaType)) return "index";
  return MANIFEST_TYPES.includes(mediaType) ? "manifest" : void 0;
}
function readIndex(document) {
  checkKind(document, INDEX_TYPES, ["config", "layers", "fsLayers"]);
  return Object.freeze({ manifests: Object.freeze(asArray(document.manifests, "manifests", readDescriptor)) });
}
function readManifest(document) {
  checkKind(document, MANIFEST_TYPES, ["manifests", "fsLayers"]);
  return Object.freeze({
    config: readDescriptor(document.config, "config"),
    layers: Object.freeze(asArray(document.layers, "layers", readDescriptor))
  });
}
function readImageDocument(document) {
  const rootfs = asObject(document.rootfs, "rootfs");
  return Object.freeze({
    platform: readPlatform(document, "the document"),
    config: readConfig(optional(document.config, "config", asObject) ?? {}),
    diffIds: Object.freeze(asArray(rootfs.diff_ids ?? [], "rootfs.diff_ids", readDigest)),
    ...present({ created: optional(document.created, "created", asString) })
  });
}
function readDescriptor(value, what) {
  const object = asObject(value, what);
  return Object.freeze({
    mediaType: asString(object.mediaType, `${what}.mediaType`),
    digest: readDigest(object.digest, `${what}.digest`),
    size: asCount(object.size, `${what}.size`),
    ...present({
      platform: optional(object.platform, `${what}.platform`, readPlatform),
      annotations: optional(object.annotations, `${what}.annotations`, asStrings)
    })
  });
}
function formatPlatform({ os, architecture: architecture2, variant }) {
  return [os, architecture2, ...variant === void 0 ? [] : [variant]].join("/");
}
function checkKind(document, mediaTypes, foreign) {
  if (document.schemaVersion !== 2) {
    throw new DocumentError(`schemaVersion must be 2, got ${JSON.stringify(document.schemaVersion) ?? "nothing"}`);
  }
  const mediaType = optional(document.mediaType, "mediaType", asString);
  if (mediaType !== void 0 && !mediaTypes.includes(mediaType)) {
    throw new DocumentError(`mediaType must be '${mediaTypes.join("' or '")}', got '${mediaType}'`);
  }
  const found = foreign.find((name) => document[name] !== void 0);
  if (found !== void 0) throw new DocumentError(`there must be no '${found}' in a document of this kind`);
}
function readDigest(value, what) {
  const digest = asString(value, what);
  if (isDigest(digest)) return digest;
  throw new DocumentError(`${what} must be a sha256 digest, got ${JSON.stringify(digest.slice(0, 100))}`);
}
function readPlatform(value, what) {
  const object = asObject(value, what);
  const variant = optional(object.variant, `${what}.variant`, asString);
  return Object.freeze({
    os: asString(object.os, `${what}.os`),
    architecture: asString(object.architecture, `${what}.architecture`),
    ...variant === void 0 || variant === "" ? {} : { variant }
  });
}
function readConfig(config) {
  const text = (name) => optional(config[name], `config.${name}`, asString);
  const list2 = (name) => optional(config[name], `config.${name}`, readStrings);
  const object = (name) => optional(config[name], `config.${name}`, asObject);
  return Object.freeze(
    present({
      Env: list2("Env"),
      Entrypoint: list2("Entrypoint"),
      Cmd: list2("Cmd"),
      WorkingDir: text("WorkingDir"),
      User: text("User"),
      StopSignal: text("StopSignal"),
      ExposedPorts: object("ExposedPorts"),
      Volumes: object("Volumes"),
      Labels: optional(config.Labels, "config.Labels", asStrings),
      Healthcheck: object("Healthcheck"),
      Shell: list2("Shell")
    })
  );
}
function readStrings(value, what) {
  return Object.freeze(asArray(value, what, asString));
}
function present(members) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== void 0));
}

// store/reference.ts
init_syscalls();
var COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
var DOMAIN_LABEL = "(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])";
var DOMAIN = new RegExp(`^(?:${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
var TAG = /^\w[\w.-]{0,127}$/;
var DIGEST = /^sha256:[0-9a-f]{64}$/;
var MAX_LENGTH = 255;
function parseReference(text) {
  const [beforeDigest, digest, ...more] = text.split("@");
  if (more.length > 0 || beforeDigest === void 0) throw invalid(text, "there is more than one '@'");
  if (digest !== void 0 && !DIGEST.test(digest)) throw invalid(text, `'${digest}' is not a sha256 digest`);
  const colon = beforeDigest.lastIndexOf(":");
  const tag = colon > beforeDigest.lastIndexOf("/") ? beforeDigest.slice(colon + 1) : void 0;
  if (tag !== void 0 && !TAG.test(tag)) throw invalid(text, `'${tag}' is not a tag`);
  const { domain, path } = splitName(tag === void 0 ? beforeDigest : beforeDigest.slice(0, colon));
  if (path === "") throw invalid(text, "it has no repository");
  if (!DOMAIN.test(domain)) throw invalid(text, `'${domain}' is not a registry`);
  if (/[A-Z]/.test(path)) throw invalid(text, "a repository is written in lower case");
  const wrong = path.split("/").find((component) => !COMPONENT.test(component));
  if (wrong !== void 0) throw invalid(text, `'${wrong}' is not part of a repository's name`);
  if (domain.length + 1 + path.length > MAX_LENGTH) throw invalid(text, `it is longer than ${MAX_LENGTH} characters`);
  if (digest === void 0) return { domain, path, tag: tag ?? "latest" };
  return { domain, path, ...tag === void 0 ? {} : { tag }, digest };
}
function formatReference({ domain, path, tag, digest }) {
  return `${domain}/${path}${tag === void 0 ? "" : `:${tag}`}${digest === void 0 ? "" : `@${digest}`}`;
}
function splitName(name) {
  const slash = name.indexOf("/");
  const first = slash === -1 ? "" : name.slice(0, slash);
  const isDomain = /[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first;
  const domain = isDomain ? first : "docker.io";
  const path = isDomain ? name.slice(slash + 1) : name;
  if (domain !== "docker.io" && domain !== "index.docker.io") return { domain, path };
  return { domain: "docker.io", path: path === "" || path.includes("/") ? path : `library/${path}` };
}
function invalid(text, reason) {
  return new CaissonError(
    "REFERENCE_INVALID",
    `not a name of an image: ${JSON.stringify(text.slice(0, 300))}: ${reason}`
  );
}

// store/images.ts
var NAME_ANNOTATIONS = ["org.opencontainers.image.ref.name", "io.containerd.image.name"];
function findImage(store, reference) {
  const descriptors = readStoreIndex(store);
  const wanted = isDigest(reference) ? reference : formatReference(parseReference(reference));
  const at = wanted.indexOf("@");
  const digest = isDigest(wanted) ? wanted : at === -1 ? void 0 : wanted.slice(at + 1);
  const found = descriptors.find((each) => digest === void 0 ? nameOf(each) === wanted : each.digest === digest);
  if (found === void 0) throw imageNotFound(store, wanted, descriptors);
  return openImage2(store, found, referencesTo(descriptors, found.digest));
}
function listImages(store) {
  const descriptors = readStoreIndex(store);
  const digests = [...new Set(descriptors.map(({ digest }) => digest))];
  return digests.map((digest) => ({ digest, references: referencesTo(descriptors, digest) }));
}
async function recordImage(store, image2, references) {
  await withLock(`${store.locks}/index.lock`, () => {
    const before = readStoreIndex(store);
    const losing = before.filter((each) => references.includes(nameOf(each) ?? ""));
    const kept = before.filter((each) => !losing.includes(each));
    const named = references.map((name) => withName(image2, name));
    const after = [...kept, ...named];
    for (const each of [...losing, image2]) {
      if (!after.some(({ digest }) => digest === each.digest)) after.push(withoutName(each));
    }
    const isNamed = (digest) => after.some((each) => each.digest === digest && nameOf(each) !== void 0);
    const manifests = after.filter((each) => nameOf(each) !== void 0 || !isNamed(each.digest));
    const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests };
    writeFileAtomically(temporaryPath(store), store.index, JSON.stringify(index));
  });
}
function nameOf({ annotations = {} }) {
  const [refName, imageName] = NAME_ANNOTATIONS.map((key) => annotations[key]);
  const name = imageName ?? (refName !== void 0 && /[/:]/.test(refName) ? refName : void 0);
  if (name === void 0) return void 0;
  try {
    return formatReference(parseReference(name));
  } catch (error) {
    if (error instanceof CaissonError) return void 0;
    throw error;
  }
}
function openImage2(store, descriptor, references) {
  const { digest } = descriptor;
  const manifest = readBlobDocument(store, descriptor, "image manifest", readManifest);
  const { platform, config, diffIds } = readBlobDocument(
    store,
    manifest.config,
    "image configuration",
    readImageDocument
  );
  const layers = diffIds.map((diffId) => {
    const path = layerPath(store, diffId);
    if (lstatSync(path, { throwIfNoEntry: false }) !== void 0) return path;
    throw new CaissonError(
      "LAYER_NOT_FOUND",
      `layer ${diffId} of image ${digest} is not in the store at '${store.root}'`,
      {
        hint: "load or pull the image again"
      }
    );
  });
  return Object.freeze({
    digest,
    references: Object.freeze(references),
    platform,
    config,
    layers: visibleLayers(layers)
  });
}
function readStoreIndex(store) {
  return parseDocument(readFileSync5(store.index), `'${store.index}'`, readIndex).manifests;
}
function referencesTo(descriptors, digest) {
  const names2 = descriptors.filter((each) => each.digest === digest).map(nameOf);
  return names2.filter((name) => name !== void 0);
}
function withName(descriptor, name) {
  const { annotations } = withoutName(descriptor);
  return {
    ...descriptor,
    annotations: { ...annotations, ...Object.fromEntries(NAME_ANNOTATIONS.map((key) => [key, name])) }
  };
}
function withoutName({ annotations = {}, ...descriptor }) {
  const others = Object.entries(annotations).filter(([key]) => !NAME_ANNOTATIONS.includes(key));
  return others.length === 0 ? descriptor : { ...descriptor, annotations: Object.fromEntries(others) };
}
function imageNotFound(store, wanted, descriptors) {
  const names2 = descriptors.map((each) => nameOf(each) ?? each.digest);
  const there = names2.length === 0 ? "it has no images" : `it has '${names2.slice(0, 20).join("', '")}'`;
  return new CaissonError("IMAGE_NOT_FOUND", `no image '${wanted}' in the store at '${store.root}': ${there}`);
}

// store/import.ts
init_syscalls();
import { createReadStream as createReadStream3, mkdirSync as mkdirSync5, readFileSync as readFileSync7, writeFileSync as writeFileSync4 } from "node:fs";
import { join as join4 } from "node:path";

// store/docker-archive.ts
init_syscalls();
import { closeSync as closeSync5, openSync as openSync5, readSync } from "node:fs";

// store/layer/decompress.ts
init_header();
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
var MAGIC = {
  gzip: Buffer.from([31, 139, 8]),
  zstd: Buffer.from([40, 181, 47, 253])
};
var LONGEST_MAGIC = 4;
var CHUNK_BYTES = 64 * 1024;
function detectCompression(start) {
  const begins = (magic) => magic.equals(start.subarray(0, magic.length));
  if (begins(MAGIC.gzip)) return "gzip";
  return begins(MAGIC.zstd) ? "zstd" : "none";
}
async function* decompress2(source2) {
  const { start, all } = await peek(source2, LONGEST_MAGIC);
  const compression = detectCompression(start);
  if (compression === "none") return yield* all;
  const { createGunzip, createZstdDecompress } = await import("node:zlib");
  if (compression === "gzip") return yield* transform(all, createGunzip({ chunkSize: CHUNK_BYTES }), compression);
  if (createZstdDecompress !== void 0) return yield* transform(all, createZstdDecompress(), compression);
  const { unzstd: unzstd2 } = await Promise.resolve().then(() => (init_zstd(), zstd_exports));
  return yield* unzstd2(all);
}
async function* transform(source2, decoder, compression) {
  const output = new PassThrough({ highWaterMark: CHUNK_BYTES });
  const done = pipeline(source2, decoder, output).catch((error) => output.destroy(error));
  try {
    yield* output;
  } catch (error) {
    if (!isDecoderError(error)) throw error;
    throw invalid2(`its ${compression} content: ${error.message}`, error);
  } finally {
    output.destroy();
    await done;
  }
}
async function peek(source2, length) {
  const chunks = source2[Symbol.asyncIterator]();
  const read2 = [];
  for (let size = 0; size < length; ) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    read2.push(value);
    size += value.length;
  }
  async function* all() {
    try {
      yield* read2;
      for (; ; ) {
        const { value, done } = await chunks.next();
        if (done === true) return;
        yield value;
      }
    } finally {
      await chunks.return?.();
    }
  }
  return { start: Buffer.concat(read2).subarray(0, length), all: all() };
}
function isDecoderError(error) {
  return error instanceof Error && "code" in error && /^(Z_|ZSTD_|ERR_ZSTD)/.test(String(error.code));
}

// store/platform.ts
init_syscalls();
var GO_ARCHITECTURES = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };
function machinePlatform(architecture2 = process.arch) {
  return { os: "linux", architecture: GO_ARCHITECTURES[architecture2] ?? architecture2 };
}
function selectPlatform(candidates, wanted, what) {
  const rank = ({ platform }) => platform === void 0 ? 0 : rankPlatform(platform, wanted);
  const fitting = candidates.filter((each) => rank(each) > 0).sort((a, b) => rank(b) - rank(a));
  const best = fitting.filter((each) => rank(each) === rank(fitting[0]));
  if (best.length > 0) return best;
  const there = candidates.map(({ platform }) => platform === void 0 ? "unknown" : formatPlatform(platform));
  throw new CaissonError(
    "PLATFORM_NOT_FOUND",
    `${what} is not for ${formatPlatform(wanted)}, but for ${[...new Set(there)].join(", ") || "nothing"}`
  );
}
function rankPlatform(there, wanted) {
  if (there.os !== wanted.os || there.architecture !== wanted.architecture) return 0;
  if (variantOf(there) === variantOf(wanted)) return 2;
  return wanted.variant === void 0 ? 1 : 0;
}
function variantOf({ architecture: architecture2, variant }) {
  const basic = architecture2 === "arm64" ? "v8" : architecture2 === "amd64" ? "v1" : void 0;
  return variant === basic ? void 0 : variant;
}

// store/source.ts
init_syscalls();
import {
  closeSync as closeSync4,
  constants as constants5,
  createReadStream as createReadStream2,
  fstatSync as fstatSync4,
  mkdirSync as mkdirSync3,
  openSync as openSync4,
  readFileSync as readFileSync6,
  statSync as statSync3,
  unlinkSync as unlinkSync6
} from "node:fs";
import { join as join3, posix } from "node:path";

// store/layer/bytes.ts
init_syscalls();
function readBytes(source2) {
  const chunks = source2[Symbol.asyncIterator]();
  let chunk = Buffer.alloc(0);
  let position = 0;
  async function fill2() {
    while (chunk.length === 0) {
      const { value, done } = await chunks.next();
      if (done === true) return false;
      chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
    return true;
  }
  function take(length) {
    const taken = chunk.subarray(0, length);
    chunk = chunk.subarray(taken.length);
    position += taken.length;
    return taken;
  }
  function cutShort(missing) {
    return new CaissonError("ARCHIVE_INVALID", `the archive ends at byte ${position}, ${missing} bytes too early`);
  }
  return {
    async read(length) {
      if (chunk.length < length) {
        if (!await fill2()) return void 0;
        if (chunk.length < length) return gather(length);
      }
      return take(length);
    },
    async readSome(limit) {
      if (!await fill2()) throw cutShort(limit);
      return take(limit);
    },
    async drain() {
      while (await fill2()) take(chunk.length);
    },
    async close() {
      await chunks.return?.();
    }
  };
  async function gather(length) {
    const whole = Buffer.alloc(length);
    for (let at = 0; at < length; ) {
      if (!await fill2()) throw cutShort(length - at);
      at += take(length - at).copy(whole, at);
    }
    return whole;
  }
}

// store/layer/read.ts
init_header();

// store/layer/pax.ts
init_header();
var XATTR = "SCHILY.xattr.";
var SPARSE = "GNU.sparse.";
function decodePax(body) {
  const records = [];
  for (let start = 0; start < body.length; ) {
    const space = body.indexOf(32, start);
    const digits = space === -1 ? "" : body.toString("latin1", start, Math.min(space, start + 10));
    const end = start + Number(digits);
    const equals = body.indexOf(61, space);
    const isWhole = /^[1-9][0-9]*$/.test(digits) && end <= body.length && body[end - 1] === 10;
    if (!isWhole || equals <= space + 1 || equals >= end)
      throw invalid2(`there is no PAX record at byte ${start} of its header`);
    records.push([body.toString("latin1", space + 1, equals), Buffer.from(body.subarray(equals + 1, end - 1))]);
    start = end;
  }
  return records;
}
function interpretPax(records) {
  const overrides = { xattrs: /* @__PURE__ */ new Map(), sparse: [] };
  for (const [key, value] of records) {
    if (key.startsWith(XATTR)) overrides.xattrs.set(attributeName(key.slice(XATTR.length)), value);
    else if (key.startsWith(SPARSE)) overrides.sparse.push([key.slice(SPARSE.length), value.toString("latin1")]);
    else if (value.length === 0) takeBack(overrides, key);
    else interpretKey(overrides, key, value);
  }
  return overrides;
}
function interpretKey(overrides, key, value) {
  if (key === "path") overrides.name = withoutNul(value, key);
  else if (key === "linkpath") overrides.linkName = withoutNul(value, key);
  else if (key === "size") overrides.size = asSize(decimal(value, key));
  else if (key === "uid") overrides.uid = asId(decimal(value, key), key);
  else if (key === "gid") overrides.gid = asId(decimal(value, key), key);
  else if (key === "mtime") overrides.mtimeNs = nanoseconds(value);
}
function takeBack(overrides, key) {
  if (key === "path") delete overrides.name;
  else if (key === "linkpath") delete overrides.linkName;
  else if (key === "size" || key === "uid" || key === "gid") delete overrides[key];
  else if (key === "mtime") delete overrides.mtimeNs;
}
function attributeName(latin1) {
  const name = Buffer.from(latin1, "latin1").toString("utf8");
  if (name === "" || name.includes("\0")) throw invalid2("an extended attribute has no proper name");
  return name;
}
function withoutNul(value, key) {
  if (value.includes(0)) throw invalid2(`the PAX value of '${key}' has a NUL in it`);
  return value;
}
function decimal(value, key) {
  const text = value.toString("latin1");
  if (/^[0-9]{1,16}$/.test(text)) return Number(text);
  throw invalid2(`the PAX value of '${key}' is not a number: ${JSON.stringify(text.slice(0, 40))}`);
}
function nanoseconds(value) {
  const text = value.toString("latin1");
  const match = /^(-?)([0-9]{1,18})(?:\.([0-9]*))?$/.exec(text);
  if (match === null) throw invalid2(`the PAX value of 'mtime' is not a time: ${JSON.stringify(text.slice(0, 40))}`);
  const [, sign, seconds = "0", fraction = ""] = match;
  const total = BigInt(seconds) * 1000000000n + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  return sign === "-" ? -total : total;
}

// store/layer/sparse.ts
init_header();
var MAX_MAP_BYTES = 1024 * 1024;
async function readOldGnuMap(header, reader) {
  const fragments = decodeFragments(header.subarray(386, 482));
  let more = header[482] !== 0;
  for (let bytes = 0; more; bytes += BLOCK) {
    const block = await reader.read(BLOCK);
    if (block === void 0 || bytes >= MAX_MAP_BYTES) throw invalid2("the map of a sparse file has no end");
    fragments.push(...decodeFragments(block.subarray(0, 504)));
    more = block[504] !== 0;
  }
  return { fragments, size: decodeNumber(header.subarray(483, 495), "size of a sparse file") };
}
async function readPaxMap(records, reader) {
  if (records.length === 0) return void 0;
  const values = new Map(records);
  const name = values.get("name");
  const named = name === void 0 ? {} : { name: Buffer.from(name, "latin1") };
  const size = wholeNumber(values.get("realsize") ?? values.get("size"));
  if (values.get("major") === "1" && values.get("minor") === "0") {
    const { fragments, mapBytes } = await readMapInContent(reader);
    return { map: { fragments, size }, ...named, mapBytes };
  }
  const numbers = values.get("map")?.split(",") ?? records.filter(([key]) => key === "offset" || key === "numbytes").map(([, value]) => value);
  return {
    map: { fragments: pairs(numbers.filter((text) => text !== "").map(wholeNumber)), size },
    ...named,
    mapBytes: 0
  };
}
function checkMap({ fragments, size }, stored) {
  let end = 0;
  let total = 0;
  for (const { offset, length } of fragments) {
    if (offset < end || offset + length > size) throw invalid2("the map of a sparse file contradicts itself");
    end = offset + length;
    total += length;
  }
  if (total !== stored) throw invalid2(`the map of a sparse file is of ${total} bytes, but ${stored} are there`);
}
async function readMapInContent(reader) {
  const blocks = [];
  let linesLeft = 1;
  let count;
  while (linesLeft > 0) {
    const block = await reader.read(BLOCK);
    if (block === void 0 || blocks.length * BLOCK >= MAX_MAP_BYTES)
      throw invalid2("the map of a sparse file has no end");
    blocks.push(Buffer.from(block));
    linesLeft -= block.filter((byte) => byte === 10).length;
    if (count !== void 0 || linesLeft > 0) continue;
    count = wholeNumber(block.toString("latin1").split("\n")[0]);
    linesLeft += count * 2;
  }
  const lines3 = Buffer.concat(blocks).toString("latin1").split("\n");
  const numbers = lines3.slice(1, 1 + (count ?? 0) * 2).map(wholeNumber);
  return { fragments: pairs(numbers), mapBytes: blocks.length * BLOCK };
}
function decodeFragments(fields) {
  const fragments = [];
  for (let at = 0; at < fields.length; at += 24) {
    const [offset, length] = [fields.subarray(at, at + 12), fields.subarray(at + 12, at + 24)];
    if (offset[0] === 0 && length[0] === 0) break;
    fragments.push({
      offset: decodeNumber(offset, "offset in a sparse file"),
      length: decodeNumber(length, "length in a sparse file")
    });
  }
  return fragments;
}
function pairs(numbers) {
  if (numbers.length % 2 !== 0) throw invalid2("the map of a sparse file ends in an offset");
  return numbers.flatMap((offset, index) => index % 2 === 0 ? [{ offset, length: numbers[index + 1] ?? 0 }] : []);
}
function wholeNumber(text) {
  if (text !== void 0 && /^[0-9]{1,15}$/.test(text)) return Number(text);
  throw invalid2(`${JSON.stringify(text?.slice(0, 40)) ?? "nothing"} is not a number in the map of a sparse file`);
}

// store/layer/read.ts
var MAX_EXTENSION_BYTES = 1024 * 1024;
var TYPES = {
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file"
};
async function* readTar(source2) {
  const reader = readBytes(source2);
  try {
    yield* readEntries(reader);
    await reader.drain();
  } finally {
    await reader.close();
  }
}
async function* readEntries(reader) {
  let extensions = {};
  for (; ; ) {
    const block = await reader.read(BLOCK);
    const header = block && decodeHeader(block);
    if (block === void 0) break;
    if (header === void 0) {
      const second = await reader.read(BLOCK);
      if (second !== void 0 && decodeHeader(second) !== void 0) throw invalid2("there is an entry after its end");
      break;
    }
    if (await readExtension(header, reader, extensions)) continue;
    const { entry, finish } = await readEntry(header, block, reader, extensions);
    extensions = {};
    yield entry;
    await finish();
  }
  if (Object.keys(extensions).length > 0) throw invalid2("it ends after an extended header");
}
async function readExtension({ type, size }, reader, extensions) {
  if (!"xgLKXV".includes(type)) return false;
  if (size > MAX_EXTENSION_BYTES)
    throw invalid2(`an extended header has ${size} bytes, more than ${MAX_EXTENSION_BYTES}`);
  const bytes = await reader.read(size);
  if (bytes === void 0) throw invalid2("it ends in an extended header");
  const body = Buffer.from(bytes);
  await skip(reader, padding(size));
  if (type === "x" || type === "X") extensions.pax = interpretPax(decodePax(body));
  else if (type === "L") extensions.longName = decodeText(body);
  else if (type === "K") extensions.longLinkName = decodeText(body);
  return true;
}
async function readEntry(header, block, reader, { pax, longName, longLinkName }) {
  const isSparse = header.type === "S";
  const oldMap = isSparse ? await readOldGnuMap(block, reader) : void 0;
  const stored = pax?.size ?? header.size;
  const paxMap = header.type === "0" ? await readPaxMap(pax?.sparse ?? [], reader) : void 0;
  const map = oldMap ?? paxMap?.map;
  const name = longName ?? paxMap?.name ?? pax?.name ?? header.name;
  const type = typeOf(header, name);
  const length = type === "file" ? stored - (paxMap?.mapBytes ?? 0) : 0;
  if (length < 0) throw invalid2("the map of a sparse file is longer than its content");
  if (map !== void 0) checkMap(map, length);
  const content = contentOf(reader, length, map);
  const entry = {
    ...header,
    type,
    name,
    linkName: longLinkName ?? pax?.linkName ?? header.linkName,
    uid: pax?.uid ?? header.uid,
    gid: pax?.gid ?? header.gid,
    mtimeNs: pax?.mtimeNs ?? header.mtimeNs,
    size: map?.size ?? length,
    isSparse: map !== void 0,
    xattrs: pax?.xattrs ?? /* @__PURE__ */ new Map(),
    content: () => content.pieces
  };
  return { entry, finish: content.finish };
}
function typeOf({ type }, name) {
  if (type === "0" && name.at(-1) === 47) return "directory";
  const known = TYPES[type];
  if (known === void 0) throw invalid2(`'${name.toString()}' is of type ${JSON.stringify(type)}, which is unknown`);
  return known;
}
function contentOf(reader, length, map) {
  let left = length;
  async function* read2() {
    for (const fragment of map?.fragments ?? [{ offset: 0, length }]) {
      let { offset } = fragment;
      const end = offset + fragment.length;
      while (offset < end) {
        const bytes = await reader.readSome(end - offset);
        left -= bytes.length;
        yield { offset, bytes };
        offset += bytes.length;
      }
    }
  }
  return {
    pieces: read2(),
    finish: async () => {
      await skip(reader, left);
      await skip(reader, padding(length));
    }
  };
}
async function skip(reader, length) {
  for (let left = length; left > 0; ) left -= (await reader.readSome(left)).length;
}
function padding(size) {
  return (BLOCK - size % BLOCK) % BLOCK;
}

// store/source.ts
var MAX_MEMBERS = 65536;
async function openSource(store, path, staging, signal) {
  const stats = statSync3(path, { throwIfNoEntry: false });
  if (stats === void 0) throw new CaissonError("IMAGE_NOT_FOUND", `there is no image at '${path}'`);
  if (stats.isDirectory()) return { name: `'${path}'`, find: (name) => findInDirectory(path, name) };
  if (!stats.isFile()) throw new CaissonError("IMAGE_INVALID", `'${path}' is neither a directory nor an archive`);
  const members = await unpackArchive(store, readTar(decompress2(createReadStream2(path, { signal }))), staging);
  return { name: `'${path}'`, find: (name) => members.get(name) };
}
function readSourceDocument(source2, name, read2) {
  const bytes = readSourceFile(source2, name);
  return bytes === void 0 ? void 0 : parseDocument(bytes, `'${name}' of ${source2.name}`, read2);
}
function readSourceFile(source2, name) {
  const file = source2.find(name);
  if (file === void 0) return void 0;
  checkDocumentSize(file.size, `'${name}' of ${source2.name}`);
  return readFileSync6(file.path);
}
function findInDirectory(directory, name) {
  const path = join3(directory, name);
  let fd;
  try {
    fd = openSync4(path, constants5.O_RDONLY | constants5.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return void 0;
    throw error;
  }
  const stats = fstatSync4(fd);
  closeSync4(fd);
  return stats.isFile() ? { path, size: stats.size } : void 0;
}
async function unpackArchive(store, entries, staging) {
  const members = /* @__PURE__ */ new Map();
  const links = /* @__PURE__ */ new Map();
  mkdirSync3(staging, { recursive: true, mode: 448 });
  for await (const entry of entries) {
    if (members.size + links.size >= MAX_MEMBERS) {
      throw new CaissonError("ARCHIVE_INVALID", `the archive is no image: it has more than ${MAX_MEMBERS} members`);
    }
    const name = memberName(".", entry.name.toString());
    if (entry.type === "file") {
      members.set(name, await stageMember(store, name, entry, join3(staging, String(members.size))));
    } else if (entry.type === "symlink") {
      links.set(name, memberName(posix.dirname(name), entry.linkName.toString()));
    } else if (entry.type === "hardlink") {
      links.set(name, memberName(".", entry.linkName.toString()));
    }
  }
  for (const [name, target] of links) {
    const file = members.get(followLinks(links, target));
    if (file !== void 0 && !members.has(name)) members.set(name, file);
  }
  return members;
}
function followLinks(links, name) {
  let target = name;
  for (let hops = 0; hops < 8; hops++) target = links.get(target) ?? target;
  return target;
}
function memberName(directory, name) {
  return posix.normalize(posix.join(directory, name)).replace(/^\/+/, "");
}
async function stageMember(store, name, entry, path) {
  const digest = name.replace(/^blobs\/sha256\//, "sha256:");
  if (isDigest(digest) && hasBlob(store, { digest, size: entry.size })) {
    return { path: blobPath(store, digest), size: entry.size, digest };
  }
  const fd = openSync4(path, "wx", 256);
  try {
    const { chunks, result } = measure2(pieces(entry));
    for await (const chunk of chunks) writeAll(fd, chunk);
    return { path, ...result() };
  } catch (error) {
    unlinkSync6(path);
    throw error;
  } finally {
    closeSync4(fd);
  }
}
async function* pieces(entry) {
  if (entry.isSparse) throw new CaissonError("ARCHIVE_INVALID", `'${entry.name.toString()}' of the archive is sparse`);
  for await (const { bytes } of entry.content()) yield bytes;
}

// store/docker-archive.ts
var LAYER_TYPES = { none: MEDIA_TYPES.layer, gzip: MEDIA_TYPES.layerGzip, zstd: MEDIA_TYPES.layerZstd };
async function chooseFromDockerArchive(source2, wanted, digestOfFile2) {
  const text = readSourceFile(source2, "manifest.json");
  if (text === void 0) return void 0;
  const what = `'manifest.json' of ${source2.name}`;
  const images = parseJson(text, what, (value) => asArray(value, "the list", readArchivedImage));
  const image2 = chooseByName(source2, images, wanted);
  const blobs = /* @__PURE__ */ new Map();
  const add2 = async (name, mediaType) => {
    const file = source2.find(name);
    if (file === void 0) throw new CaissonError("BLOB_NOT_FOUND", `${source2.name} has no '${name}'`);
    const digest = file.digest ?? await digestOfFile2(file);
    blobs.set(digest, file);
    return { mediaType: mediaType ?? LAYER_TYPES[detectCompression(firstBytes(file))], digest, size: file.size };
  };
  const config = await add2(image2.config, MEDIA_TYPES.config);
  checkPlatform(source2, image2.config, wanted);
  const layers = [];
  for (const name of image2.layers) layers.push(await add2(name));
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.manifest, config, layers });
  return { manifest, references: image2.references, blobs };
}
function describeManifest(text) {
  return { mediaType: MEDIA_TYPES.manifest, digest: digestOf(text), size: Buffer.byteLength(text) };
}
function readArchivedImage(value, what) {
  const object = asObject(value, what);
  const tags = optional(object.RepoTags, `${what}.RepoTags`, (tag, name) => asArray(tag, name, asString)) ?? [];
  return {
    config: asString(object.Config, `${what}.Config`),
    references: tags.map((tag) => formatReference(parseReference(tag))),
    layers: optional(object.Layers, `${what}.Layers`, (layer, name) => asArray(layer, name, asString)) ?? []
  };
}
function chooseByName(source2, images, { reference }) {
  const [first] = images;
  if (first === void 0) throw new CaissonError("IMAGE_INVALID", `${source2.name} has no image in it`);
  const found = images.find(({ references }) => reference !== void 0 && references.includes(reference.complete));
  if (found !== void 0) return found;
  if (images.length === 1) return first;
  const names2 = images.map(({ references, config }) => references[0] ?? config);
  throw new CaissonError("IMAGE_AMBIGUOUS", `${source2.name} has several images: '${names2.join("', '")}'`, {
    hint: "say which by the option reference"
  });
}
function checkPlatform(source2, name, { platform }) {
  const bytes = readSourceFile(source2, name) ?? "";
  const document = parseDocument(bytes, `'${name}' of ${source2.name}`, readImageDocument);
  selectPlatform([document], platform, `the image in ${source2.name}`);
}
function firstBytes({ path }) {
  const fd = openSync5(path, "r");
  try {
    const bytes = Buffer.alloc(4);
    return bytes.subarray(0, readSync(fd, bytes));
  } finally {
    closeSync5(fd);
  }
}

// store/layer/unpack.ts
init_syscalls();
import { lstatSync as lstatSync3, mkdirSync as mkdirSync4 } from "node:fs";

// store/layer/apply.ts
init_syscalls();

// store/layer/attributes.ts
init_syscalls();

// store/layer/tree.ts
init_syscalls();
import { closeSync as closeSync6, openSync as openSync6 } from "node:fs";
function splitName2(name) {
  const components = name.toString("latin1").split("/");
  if (components.includes("..")) {
    throw new CaissonError("LAYER_INVALID", `'${name.toString()}' is a way out of the layer`);
  }
  return components.filter((component) => component !== "" && component !== ".");
}
function toBytes(latin1) {
  return Buffer.from(`${latin1}\0`, "latin1");
}
function joinPath(directory, name) {
  return directory === "" ? name : `${directory}/${name}`;
}
function pathInDirectory({ fd }, name) {
  return Buffer.from(`/proc/self/fd/${fd}/${name}`, "latin1");
}
function openTree(path) {
  const root2 = { fd: openSync6(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path: "" };
  let current = root2;
  function leave2() {
    if (current !== root2) close(current.fd);
    current = root2;
  }
  return {
    root: root2,
    enter(components, made) {
      const wanted = components.join("/");
      if (wanted === current.path) return current;
      leave2();
      if (components.length > 0) current = openIfThere(root2, wanted) ?? makeAll(root2, components, made);
      return current;
    },
    open: (wanted) => wanted === "" ? openIfThere(root2, ".", "") : openIfThere(root2, wanted),
    remove(directory, name) {
      const removed = joinPath(directory.path, name);
      if (current.path === removed || current.path.startsWith(`${removed}/`)) leave2();
      removeTreeAt(directory.fd, toBytes(name));
    },
    close() {
      leave2();
      closeSync6(root2.fd);
    }
  };
}
function makeAll(root2, components, made) {
  let directory = root2;
  for (const name of components) {
    const next = openOrMake(directory, name, made);
    if (directory !== root2) close(directory.fd);
    directory = next;
  }
  return directory;
}
function openOrMake(parent, name, made) {
  const path = joinPath(parent.path, name);
  const there = openIfThere(parent, name, path);
  if (there !== void 0) return there;
  try {
    unlinkat(parent.fd, toBytes(name), 0);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
  mkdirat(parent.fd, toBytes(name), 448);
  const directory = openIfThere(parent, name, path);
  if (directory === void 0)
    throw new Error(`this is a bug of caisson: '${path}' vanished from a layer being unpacked`);
  made(directory);
  return directory;
}
var HOW = OPEN_HOW.encode({
  flags: O_RDONLY | O_DIRECTORY | O_CLOEXEC,
  resolve: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS
});
function openIfThere(from, name, path = name) {
  for (; ; ) {
    try {
      return { fd: openat2(from.fd, toBytes(name), HOW, OPEN_HOW.size), path };
    } catch (error) {
      if (hasCode(error, "ENOENT", "ENOTDIR", "ELOOP")) return void 0;
      if (!hasCode(error, "EAGAIN")) throw error;
    }
  }
}

// store/layer/attributes.ts
var Losses = class {
  #counts = /* @__PURE__ */ new Map();
  add(what) {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
  /** `'2 devices left out: only root can make them'` */
  list() {
    return [...this.#counts].map(([what, count]) => `${count} ${what}`);
  }
};
function applyAttributes(target, type, of, isRoot2, losses) {
  if (isRoot2) own2(target, of);
  else if (of.uid !== 0 || of.gid !== 0)
    losses.add("files now belong to you instead of their owners, which only root can give them");
  for (const [name, value] of of.xattrs) setAttribute(target, name, value, losses);
  if (type !== "symlink") setMode(target, of.mode);
  setTime(target, of.mtimeNs);
}
function isForeignAttribute(name) {
  return /^(?:trusted|user)\.overlay\./.test(name) || name === "security.selinux" || name === "system.nfs4_acl";
}
function own2(target, { uid, gid }) {
  if ("fd" in target) fchownat(target.fd, "", uid, gid, AT_EMPTY_PATH);
  else fchownat(target.directory.fd, toBytes(target.name), uid, gid, AT_SYMLINK_NOFOLLOW);
}
function setMode(target, mode) {
  if ("fd" in target) fchmod(target.fd, mode);
  else fchmodat(target.directory.fd, toBytes(target.name), mode);
}
var NUL2 = Buffer.alloc(1);
function setAttribute(target, name, value, losses) {
  if (isForeignAttribute(name)) {
    losses.add(`attributes '${name}' left out: images do not decide them`);
    return;
  }
  try {
    if ("fd" in target) fsetxattr(target.fd, name, value, value.length, 0);
    else lsetxattr(Buffer.concat([pathInDirectory(target.directory, target.name), NUL2]), name, value, value.length, 0);
  } catch (error) {
    if (!hasCode(error, "EPERM", "EACCES", "ENOTSUP", "EOPNOTSUPP")) throw error;
    losses.add(`attributes '${name}' left out: they cannot be set here`);
  }
}
function setTime(target, mtimeNs) {
  const times2 = new Uint8Array(2 * TIMESPEC.size);
  times2.set(TIMESPEC.encode({ tv_nsec: UTIME_OMIT }).bytes);
  times2.set(TIMESPEC.encode(splitTime(mtimeNs)).bytes, TIMESPEC.size);
  if ("fd" in target) utimensat(target.fd, null, times2, 0);
  else utimensat(target.directory.fd, toBytes(target.name), times2, AT_SYMLINK_NOFOLLOW);
}
function splitTime(ns) {
  const second = 1000000000n;
  const tv_nsec = (ns % second + second) % second;
  return { tv_sec: (ns - tv_nsec) / second, tv_nsec };
}

// store/layer/whiteouts.ts
init_syscalls();
import { lstatSync as lstatSync2 } from "node:fs";
var PREFIX = ".wh.";
var OPAQUE = ".wh..wh..opq";
var AUFS_PREFIX = ".wh..wh.";
function isWhiteout(name) {
  return name.startsWith(PREFIX);
}
function isAufsName(name) {
  return name.startsWith(AUFS_PREFIX) && name !== OPAQUE;
}
function trackWhiteouts(tree, isRoot2) {
  const removed = /* @__PURE__ */ new Set();
  const opaque = /* @__PURE__ */ new Set();
  function makeOpaque({ fd, path }) {
    opaque.add(path);
    fsetxattr(fd, OPAQUE_ATTRIBUTES[isRoot2 ? 0 : 1], Buffer.from("y"), 1, 0);
  }
  return {
    add(parent, name) {
      if (name === OPAQUE) {
        makeOpaque(parent);
        return;
      }
      const hidden = name.slice(PREFIX.length);
      if (["", ".", ".."].includes(hidden)) throw new CaissonError("LAYER_INVALID", `'${name}' removes nothing`);
      const path = joinPath(parent.path, hidden);
      removed.add(path);
      if (makeDevice(parent, hidden)) return;
      const directory = tree.open(path);
      if (directory === void 0) return;
      makeOpaque(directory);
      close(directory.fd);
    },
    directoryMade(directory) {
      if (removed.has(directory.path) || opaque.has(directory.path)) makeOpaque(directory);
    },
    finish() {
      if (opaque.size === 0) return;
      for (const path of removed) if (isBelow(path, opaque)) removeDevice(tree, path);
    }
  };
}
function makeDevice(parent, name) {
  try {
    mknodat(parent.fd, toBytes(name), S_IFCHR, makedev(0, 0));
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}
function isBelow(path, directories) {
  const components = path.split("/");
  return components.some((_, index) => directories.has(components.slice(0, index).join("/")));
}
function removeDevice(tree, path) {
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  const directory = tree.open(path.slice(0, Math.max(slash, 0)));
  if (directory === void 0) return;
  const stats = lstatSync2(pathInDirectory(directory, name), { throwIfNoEntry: false });
  if (stats?.isCharacterDevice() && stats.rdev === 0) unlinkat(directory.fd, toBytes(name), 0);
  close(directory.fd);
}

// store/layer/apply.ts
var UNSPOKEN = { mode: 493, uid: 0, gid: 0, mtimeNs: 0n, xattrs: /* @__PURE__ */ new Map() };
async function applyLayer(entries, path, isRoot2) {
  const tree = openTree(path);
  const whiteouts = trackWhiteouts(tree, isRoot2);
  const directories = /* @__PURE__ */ new Map([["", UNSPOKEN]]);
  const unpacking = { tree, whiteouts, directories, isRoot: isRoot2, losses: new Losses() };
  try {
    for await (const entry of entries) {
      await applyEntry(unpacking, entry).catch((error) => {
        throw explain(error, entry);
      });
    }
    whiteouts.finish();
    finishDirectories(unpacking);
    return unpacking.losses.list();
  } finally {
    tree.close();
  }
}
async function applyEntry(unpacking, entry) {
  const components = splitName2(entry.name);
  const name = components.at(-1);
  const above = components.slice(0, -1);
  if (components.some(isAufsName)) {
    unpacking.losses.add("files of aufs left out");
    return;
  }
  if (above.some(isWhiteout)) throw layerInvalid(`'${entry.name.toString()}' is in something that is gone`);
  if (name !== void 0 && isWhiteout(name)) {
    unpacking.whiteouts.add(enter(unpacking, above), name);
    return;
  }
  if (entry.type === "directory") {
    unpacking.directories.set(enter(unpacking, components).path, entry);
    return;
  }
  if (name === void 0) throw layerInvalid(`its root is a ${entry.type}`);
  const parent = enter(unpacking, above);
  if (entry.type === "file") await applyFile(unpacking, parent, name, entry);
  else if (entry.type === "hardlink") applyHardlink(unpacking, parent, name, entry);
  else applySpecial(unpacking, parent, name, entry);
}
function enter({ tree, directories, whiteouts }, components) {
  return tree.enter(components, (made) => {
    directories.set(made.path, UNSPOKEN);
    whiteouts.directoryMade(made);
  });
}
async function applyFile({ tree, isRoot: isRoot2, losses }, parent, name, entry) {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const fd = replacing(tree, parent, name, () => openat(parent.fd, toBytes(name), flags, 384));
  try {
    for await (const { offset, bytes } of entry.content()) writeAll(fd, bytes, offset);
    if (entry.isSparse) ftruncate(fd, entry.size);
    applyAttributes({ fd }, entry.type, entry, isRoot2, losses);
  } finally {
    close(fd);
  }
}
function applyHardlink({ tree }, parent, name, entry) {
  const target = splitName2(entry.linkName);
  const directory = tree.open(target.slice(0, -1).join("/"));
  const nothing = layerInvalid(
    `'${entry.name.toString()}' is a link to '${entry.linkName.toString()}', which is no file of it`
  );
  if (directory === void 0 || target.length === 0) throw nothing;
  try {
    replacing(
      tree,
      parent,
      name,
      () => linkat(directory.fd, toBytes(target.at(-1) ?? ""), parent.fd, toBytes(name), 0)
    );
  } catch (error) {
    throw hasCode(error, "ENOENT", "EPERM") ? nothing : error;
  } finally {
    close(directory.fd);
  }
}
function applySpecial({ tree, isRoot: isRoot2, losses }, parent, name, entry) {
  const { type, major, minor } = entry;
  const isDevice = type === "character-device" || type === "block-device";
  if (isDevice && (!isRoot2 || major === 0 && minor === 0)) {
    losses.add(
      isRoot2 ? "devices 0:0 left out: to overlay, they remove files" : "devices left out: only root can make them"
    );
    return;
  }
  replacing(tree, parent, name, () => {
    if (type === "symlink") return symlinkat(Buffer.concat([entry.linkName, NUL3]), parent.fd, toBytes(name));
    const kind = type === "fifo" ? S_IFIFO : type === "block-device" ? S_IFBLK : S_IFCHR;
    return mknodat(parent.fd, toBytes(name), kind | 384, type === "fifo" ? 0 : makedev(major, minor));
  });
  applyAttributes({ directory: parent, name }, type, entry, isRoot2, losses);
}
var NUL3 = Buffer.alloc(1);
function replacing(tree, parent, name, make) {
  try {
    return make();
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
  tree.remove(parent, name);
  return make();
}
function finishDirectories({ tree, directories, isRoot: isRoot2, losses }) {
  for (const path of [...directories.keys()].sort().reverse()) {
    const directory = tree.open(path);
    if (directory === void 0) continue;
    const attributes = directories.get(path) ?? UNSPOKEN;
    const mode = path === "" && !isRoot2 ? attributes.mode | 448 : attributes.mode;
    try {
      applyAttributes(directory, "directory", { ...attributes, mode }, isRoot2, losses);
    } finally {
      close(directory.fd);
    }
  }
}
function layerInvalid(reason) {
  return new CaissonError("LAYER_INVALID", `the layer is not valid: ${reason}`);
}
function explain(error, { name, type }) {
  if (!(error instanceof SyscallError) || hasCode(error, "ENOSPC", "EDQUOT", "EROFS")) return error;
  const what = `unpacking the ${type} '${name.toString().slice(0, 300)}': ${error.message}`;
  return new CaissonError("LAYER_NOT_UNPACKED", what, { cause: error });
}

// store/layer/unpack.ts
async function stageLayer(store, source2, diffId) {
  const path = temporaryPath(store);
  mkdirSync4(path, 448);
  try {
    const entries = readTar(verifyContent(source2, diffId));
    return { diffId, path, notes: await applyLayer(entries, path, isPrivileged()) };
  } catch (error) {
    await removeTree(path);
    throw explainLayerError(error, diffId, path);
  }
}
function hasLayer(store, diffId) {
  return lstatSync3(layerPath(store, diffId), { throwIfNoEntry: false }) !== void 0;
}
async function verifyLayer(source2, diffId) {
  try {
    for await (const _ of verifyContent(source2, diffId)) ;
  } catch (error) {
    throw explainLayerError(error, diffId, "");
  }
}
function publishLayers(store, layers) {
  for (const { diffId, path } of layers) publishDirectory(path, layerPath(store, diffId));
}
function verifyContent(source2, diffId) {
  return verify(decompress2(source2), { digest: diffId }, "the uncompressed layer");
}
function explainLayerError(error, diffId, path) {
  if (!(error instanceof CaissonError)) return explainStoreError(error, `unpacking layer ${diffId}`, path);
  if (error.code === "DIGEST_MISMATCH") return new CaissonError("DIFF_ID_MISMATCH", error.message, { cause: error });
  return error;
}

// store/oci-layout.ts
init_syscalls();
var MAX_DEPTH = 4;
function chooseFromLayout(source2, wanted) {
  const index = readSourceDocument(source2, "index.json", readIndex);
  if (index === void 0 || source2.find("oci-layout") === void 0) return void 0;
  const named = chooseByName2(source2, index.manifests, wanted);
  const leaves = named.flatMap((descriptor) => manifestsOf(source2, descriptor, 0));
  const best = selectPlatform(leaves, wanted.platform, `the image in ${source2.name}`);
  const digests = new Set(best.map(({ digest }) => digest));
  const [manifest] = best;
  if (digests.size > 1 || manifest === void 0) throw ambiguous(source2, [...digests]);
  const references = named.map(nameOf).filter((name) => name !== void 0);
  return { manifest, references: [...new Set(references)] };
}
function readLayoutDocument(source2, descriptor, what, read2) {
  const bytes = readSourceFile(source2, blobName(descriptor.digest));
  if (bytes === void 0) throw blobNotFound(source2, descriptor.digest);
  checkDocument(bytes, descriptor, what);
  return parseDocument(bytes, `${what} ${descriptor.digest}`, read2);
}
function blobName(digest) {
  return `blobs/${digest.replace(":", "/")}`;
}
function blobNotFound(source2, digest) {
  return new CaissonError("BLOB_NOT_FOUND", `${source2.name} has no blob ${digest}`);
}
function chooseByName2(source2, descriptors, { reference }) {
  const images = /* @__PURE__ */ new Map();
  for (const each of descriptors) {
    const name = labelOf(each);
    images.set(name, [...images.get(name) ?? [], each]);
  }
  if (images.size === 0) throw new CaissonError("IMAGE_INVALID", `${source2.name} has no image in it`);
  for (const [name, image2] of images) {
    const complete = image2[0] && nameOf(image2[0]);
    if (reference !== void 0 && (name === reference.text || complete === reference.complete)) return image2;
  }
  if (images.size > 1) throw ambiguous(source2, [...images.keys()]);
  return descriptors;
}
function labelOf({ annotations = {} }) {
  return annotations[NAME_ANNOTATIONS[1]] ?? annotations[NAME_ANNOTATIONS[0]] ?? "";
}
function manifestsOf(source2, descriptor, depth) {
  const kind = kindOf(descriptor.mediaType);
  if (kind === "manifest") return [descriptor.platform === void 0 ? withPlatform(source2, descriptor) : descriptor];
  if (kind === void 0) return [];
  if (depth === MAX_DEPTH) throw new CaissonError("IMAGE_INVALID", `${source2.name} has indexes in indexes without end`);
  const { manifests } = readLayoutDocument(source2, descriptor, "image index", readIndex);
  return manifests.flatMap((each) => manifestsOf(source2, each, depth + 1));
}
function withPlatform(source2, descriptor) {
  const { config } = readLayoutDocument(source2, descriptor, "image manifest", readManifest);
  const { platform } = readLayoutDocument(source2, config, "image configuration", readImageDocument);
  return { ...descriptor, platform };
}
function ambiguous(source2, names2) {
  return new CaissonError("IMAGE_AMBIGUOUS", `${source2.name} has several images: '${names2.join("', '")}'`, {
    hint: "say which by the option reference"
  });
}

// store/import.ts
async function loadImage(store, path, options = {}) {
  const wanted = describeWanted(options);
  const staging = temporaryPath(store);
  const layers = [];
  try {
    mkdirSync5(staging, 448);
    const source2 = await openSource(store, path, join4(staging, "members"), options.signal);
    const image2 = await chooseOci(source2, wanted) ?? await chooseDocker(source2, wanted, staging);
    if (image2 === void 0) {
      throw new CaissonError("IMAGE_INVALID", `${source2.name} is neither an OCI image layout nor made by docker save`);
    }
    if (!isComplete(store, image2.manifest.digest)) await takeIn(store, source2, image2, { staging, layers, ...options });
    await recordImage(
      store,
      image2.manifest,
      wanted.reference === void 0 ? image2.references : [wanted.reference.complete]
    );
    const notes = layers.flatMap(({ diffId, notes: notes2 }) => notes2.map((note) => `layer ${diffId.slice(0, 19)}: ${note}`));
    return Object.freeze({ ...findImage(store, image2.manifest.digest), notes });
  } catch (error) {
    const isElsewhere = error instanceof Error && "path" in error && !String(error.path).startsWith(store.root);
    throw isElsewhere ? error : explainStoreError(error, `loading the image at '${path}'`, store.root);
  } finally {
    for (const each of [staging, ...layers.map((layer) => layer.path)]) await removeTree(each);
  }
}
function describeWanted({ reference, platform = machinePlatform() }) {
  if (reference === void 0) return { platform };
  const parsed = parseReference(reference);
  if (parsed.digest !== void 0) {
    throw new CaissonError("REFERENCE_INVALID", `an image cannot be given a digest as its name: '${reference}'`);
  }
  return { platform, reference: { text: reference, complete: formatReference(parsed) } };
}
async function chooseOci(source2, wanted) {
  const chosen = chooseFromLayout(source2, wanted);
  return chosen && { ...chosen, find: (digest) => source2.find(blobName(digest)) };
}
async function chooseDocker(source2, wanted, staging) {
  const chosen = await chooseFromDockerArchive(source2, wanted, digestOfFile);
  if (chosen === void 0) return void 0;
  const manifest = describeManifest(chosen.manifest);
  const path = join4(staging, "manifest");
  writeFileSync4(path, chosen.manifest, { mode: 256 });
  const files = new Map([...chosen.blobs, [manifest.digest, { path, size: manifest.size, digest: manifest.digest }]]);
  return { manifest, references: chosen.references, find: (digest) => files.get(digest) };
}
async function digestOfFile({ path }) {
  const { chunks, result } = measure2(createReadStream3(path));
  for await (const _ of chunks) ;
  return result().digest;
}
function isComplete(store, digest) {
  if (!listImages(store).some((image2) => image2.digest === digest)) return false;
  try {
    return findImage(store, digest).digest === digest;
  } catch (error) {
    if (hasCode(error, "LAYER_NOT_FOUND", "BLOB_NOT_FOUND")) return false;
    throw error;
  }
}
async function takeIn(store, source2, { manifest, find }, stage) {
  const blobs = /* @__PURE__ */ new Map();
  const take = async (descriptor) => {
    const taken = blobs.get(descriptor.digest) ?? await stageBlob(store, source2, descriptor, find, stage);
    blobs.set(descriptor.digest, taken);
    return taken;
  };
  const { config, layers } = readStaged(await take(manifest), manifest, "image manifest", readManifest);
  const { diffIds } = readStaged(await take(config), config, "image configuration", readImageDocument);
  if (diffIds.length !== layers.length) {
    const counts = `its configuration speaks of ${diffIds.length} layers, its manifest of ${layers.length}`;
    throw new CaissonError("IMAGE_INVALID", `image ${manifest.digest} is not valid: ${counts}`);
  }
  for (const [index, layer] of layers.entries()) {
    await takeLayer(store, await take(layer), diffIds[index], stage);
  }
  syncDisk(store.tmp);
  publishLayers(store, stage.layers);
  for (const { digest, path } of blobs.values()) {
    if (path !== blobPath(store, digest)) publishFile(path, blobPath(store, digest));
  }
}
async function stageBlob(store, source2, descriptor, find, { staging, signal }) {
  const { digest, size } = descriptor;
  if (hasBlob(store, descriptor)) return { digest, path: blobPath(store, digest) };
  const file = find(digest);
  if (file === void 0) throw blobNotFound(source2, digest);
  if (file.digest === digest && file.size === size) return { digest, path: file.path };
  const path = join4(staging, digest.slice("sha256:".length));
  await writeVerified(createReadStream3(file.path, { signal }), descriptor, path);
  return { digest, path };
}
async function takeLayer(store, { path }, diffId, { layers, signal }) {
  if (layers.some((layer) => layer.diffId === diffId)) return verifyLayer(createReadStream3(path, { signal }), diffId);
  if (hasLayer(store, diffId)) return verifyLayer(createReadStream3(path, { signal }), diffId);
  layers.push(await stageLayer(store, createReadStream3(path, { signal }), diffId));
}
function readStaged(blob, descriptor, what, read2) {
  checkDocumentSize(descriptor.size, `${what} ${descriptor.digest}`);
  const bytes = readFileSync7(blob.path);
  checkDocument(bytes, descriptor, what);
  return parseDocument(bytes, `${what} ${descriptor.digest}`, read2);
}

// store/sweep.ts
init_syscalls();
import { readdirSync as readdirSync4, unlinkSync as unlinkSync7 } from "node:fs";
import { join as join5 } from "node:path";
async function sweepContainers(store) {
  const dead = /* @__PURE__ */ new Map();
  const sweeping = tryLock(join5(store.locks, "sweep.lock"));
  if (sweeping === void 0) return { containers: [], owners: 0 };
  try {
    for (const name of readdirSync4(store.locks)) {
      const owner = ownerOfLock(name);
      const lock = owner === void 0 ? void 0 : tryLock(ownerLockPath(store, owner), { create: false });
      if (owner !== void 0 && lock !== void 0) dead.set(owner, lock);
    }
    if (dead.size === 0) return { containers: [], owners: 0 };
    const containers = await removeContainersOf(store, dead);
    for (const name of readdirSync4(store.tmp)) {
      if (dead.has(ownerOfTemporary(name))) await removeTree(join5(store.tmp, name));
    }
    for (const { path } of dead.values()) unlinkSync7(path);
    return { containers, owners: dead.size };
  } finally {
    for (const lock of dead.values()) lock.release();
    sweeping.release();
  }
}
async function removeContainersOf(store, owners2) {
  const removed = [];
  for (const id of readdirSync4(store.containers)) {
    if (!isContainerId(id) || !isAbandoned(store, id, owners2)) continue;
    await removeContainerDirectory(store, id);
    removed.push(id);
  }
  return removed;
}
function isAbandoned(store, id, owners2) {
  try {
    const owner = readContainerRecord(store, id)?.owner;
    return typeof owner === "string" && owners2.has(owner);
  } catch (error) {
    if (hasCode(error, "RECORD_INVALID")) return true;
    throw error;
  }
}

// sdk/engine/life.ts
import { inspect as inspect2 } from "node:util";
init_syscalls();

// sdk/process.ts
import { inspect } from "node:util";

// sdk/engine/abort.ts
function endOnAbort(child, signal) {
  let hasEnded = false;
  const abort = () => {
    hasEnded = child.kill("SIGKILL") || hasEnded;
  };
  if (signal?.aborted === true) abort();
  signal?.addEventListener("abort", abort, { once: true });
  return {
    get hasEnded() {
      return hasEnded;
    },
    release: () => signal?.removeEventListener("abort", abort)
  };
}

// sdk/engine/input.ts
init_syscalls();
import { Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline as pipeline2 } from "node:stream/promises";
function isInputSource(option) {
  return option !== "pipe" && option !== "ignore" && option !== "inherit";
}
function openInput(descriptor) {
  return new Socket({ fd: descriptor, readable: false, writable: true });
}
async function feed(source2, descriptor) {
  const isWhole = typeof source2 === "string" || source2 instanceof Uint8Array;
  const rest = isWhole ? writeNow(descriptor, typeof source2 === "string" ? Buffer.from(source2) : source2) : source2;
  if (rest === void 0) return;
  try {
    await pipeline2(rest instanceof Uint8Array ? Readable.from([rest]) : rest, openInput(descriptor));
  } catch (error) {
    if (!hasCode(error, "EPIPE", "ECONNRESET", "ERR_STREAM_PREMATURE_CLOSE", "ERR_STREAM_DESTROYED")) throw error;
  }
}
function writeNow(descriptor, bytes) {
  let written = 0;
  try {
    written = bytes.length === 0 ? 0 : write2(descriptor, bytes, bytes.length);
  } catch (error) {
    if (!hasCode(error, "EAGAIN", "EPIPE")) throw error;
    if (hasCode(error, "EPIPE")) written = bytes.length;
  }
  if (written < bytes.length) return bytes.subarray(written);
  close(descriptor);
  return void 0;
}

// sdk/engine/streams.ts
init_syscalls();
import { Readable as Readable3 } from "node:stream";

// sdk/engine/output.ts
import { Socket as Socket2 } from "node:net";
import { Readable as Readable2 } from "node:stream";
import { StringDecoder } from "node:string_decoder";
function asOutput(stream) {
  return Object.assign(stream, {
    lines: () => lines(stream),
    web: () => Readable2.toWeb(stream)
  });
}
function openOutput(descriptor) {
  return asOutput(new Socket2({ fd: descriptor, readable: true, writable: false }));
}
async function* lines(stream) {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of stream) {
    rest += decoder.write(chunk);
    const complete = rest.split("\n");
    rest = complete.pop() ?? "";
    for (const line of complete) yield line.endsWith("\r") ? line.slice(0, -1) : line;
  }
  rest += decoder.end();
  if (rest !== "") yield rest;
}

// sdk/engine/terminal.ts
init_syscalls();
import { Duplex } from "node:stream";
var CHUNK_BYTES2 = 65536;
function openTerminal(socket2) {
  return asOutput(new TerminalStream(socket2));
}
var TerminalStream = class extends Duplex {
  #master;
  #watch;
  #size;
  /** Whether the reader wants more. */
  #wantsOutput = false;
  /** What is being typed, until the terminal has taken it all. */
  #typed;
  constructor(socket2) {
    super({ allowHalfOpen: true });
    const arrival = watch(socket2, { readable: true }, () => {
      arrival.close();
      const master = receiveDescriptor(socket2);
      close(socket2);
      this.#arrive(master);
    });
  }
  resize(size) {
    this.#size = size;
    if (this.#master === void 0) return;
    ioctl(this.#master, TIOCSWINSZ, WINSIZE.encode({ ws_row: size.rows, ws_col: size.columns }));
  }
  _read() {
    this.#wantsOutput = true;
    this.#wait();
  }
  _write(chunk, _encoding, done) {
    this.#typed = { rest: chunk, done };
    this.#type();
  }
  _destroy(error, done) {
    this.#watch?.close();
    this.#watch = void 0;
    if (this.#master !== void 0) close(this.#master);
    this.#master = void 0;
    done(error);
  }
  #arrive(master) {
    if (master === void 0 || this.destroyed) {
      if (master !== void 0) close(master);
      this.#end();
      return;
    }
    this.#master = master;
    fcntl(master, F_SETFL, O_NONBLOCK);
    if (this.#size !== void 0) this.resize(this.#size);
    this.#watch = watch(master, { readable: true }, () => {
      this.#type();
      if (this.#wantsOutput) this.#print();
    });
    this.#wait();
  }
  #wait() {
    this.#watch?.change({ readable: this.#wantsOutput, writable: this.#typed !== void 0 });
  }
  #type() {
    if (this.#master === void 0 || this.#typed === void 0) return;
    const { rest, done } = this.#typed;
    const written = this.#attempt((master) => write2(master, rest, rest.length));
    this.#typed = written === rest.length ? void 0 : { rest: rest.subarray(written), done };
    this.#wait();
    if (this.#typed === void 0) done();
  }
  #print() {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES2);
    const count = this.#attempt((master) => read(master, chunk, chunk.length));
    if (count === 0 || this.#master === void 0) return;
    this.#wantsOutput = this.push(chunk.subarray(0, count));
    this.#wait();
  }
  /** The count of what could be done now. EIO is how a master says that nobody has the other side open any more. */
  #attempt(action) {
    if (this.#master === void 0) return 0;
    try {
      return action(this.#master);
    } catch (error) {
      if (hasCode(error, "EIO")) this.#end();
      else if (!hasCode(error, "EAGAIN", "EINTR")) this.destroy(error);
      return 0;
    }
  }
  #end() {
    this.#wantsOutput = false;
    this.#watch?.close();
    this.#watch = void 0;
    this.push(null);
    const typed = this.#typed;
    this.#typed = void 0;
    typed?.done();
    this.end();
  }
};
function receiveDescriptor(socket2) {
  const byte = new Uint8Array(1);
  const control = new Uint8Array(24);
  const message = MSGHDR.encode({
    msg_iov: IOVEC.encode({ iov_base: memory(byte), iov_len: 1 }),
    msg_iovlen: 1,
    msg_control: memory(control),
    msg_controllen: control.length
  });
  const received = recvmsg(socket2, message, MSG_CMSG_CLOEXEC);
  if (received === 0) return void 0;
  return new DataView(control.buffer).getInt32(CMSGHDR.size, true);
}

// sdk/engine/streams.ts
var PIPE_BYTES = 65536;
var Streams = class {
  #terminal;
  #stdout;
  #stderr;
  #input;
  #stdin;
  /** Takes ownership of the descriptors. */
  constructor({ stdin, stdout, stderr, terminal }) {
    this.#terminal = terminal === void 0 ? void 0 : openTerminal(terminal);
    this.#input = stdin;
    this.#stdout = new LazyOutput(stdout);
    this.#stderr = new LazyOutput(stderr);
  }
  /** @throws CaissonError NO_STREAM */
  get stdin() {
    if (this.#input !== void 0) this.#stdin = openInput(this.#input);
    this.#input = void 0;
    return this.#stdin ?? this.#terminal ?? noStream("stdin");
  }
  /** @throws CaissonError NO_STREAM */
  get stdout() {
    return this.#stdout.stream ?? this.#terminal ?? noStream("stdout");
  }
  /** @throws CaissonError NO_STREAM */
  get stderr() {
    return this.#stderr.stream ?? noStream("stderr");
  }
  resize(size) {
    this.#terminal?.resize(size);
  }
  /**
   * Of a process that has ended: closes what it reads, and keeps in memory what nobody has read yet.
   * @returns false when another process has inherited an output that nobody reads, and may still write to it
   */
  settle() {
    this.#closeInput();
    return [this.#stdout.settle(), this.#stderr.settle()].every(Boolean);
  }
  /** Closes what nobody has asked for. */
  release() {
    this.#closeInput();
    this.#stdout.release();
    this.#stderr.release();
  }
  #closeInput() {
    if (this.#input !== void 0) close(this.#input);
    this.#input = void 0;
    this.#stdin?.destroy();
  }
};
function noStream(name) {
  throw new CaissonError("NO_STREAM", `${name} of this process is no stream of ours`, {
    hint: `start it with { ${name}: 'pipe' }; with a tty there are stdin and stdout`
  });
}
var LazyOutput = class {
  #descriptor;
  #unread;
  #stream;
  constructor(descriptor) {
    this.#descriptor = descriptor;
  }
  get stream() {
    if (this.#unread !== void 0) {
      this.#stream = asOutput(Readable3.from(this.#unread.length === 0 ? [] : [this.#unread]));
    } else if (this.#descriptor !== void 0) {
      this.#stream = openOutput(this.#descriptor);
    }
    this.#unread = void 0;
    this.#descriptor = void 0;
    return this.#stream;
  }
  /** Reads what is left in the pipe and closes it; not while it has a writer. */
  settle() {
    const descriptor = this.#descriptor;
    if (descriptor === void 0) return true;
    const events = pollNow(descriptor);
    if ((events & POLLHUP) === 0) return false;
    const buffer = Buffer.allocUnsafe((events & POLLIN) === 0 ? 0 : PIPE_BYTES);
    const count = buffer.length === 0 ? 0 : read(descriptor, buffer, buffer.length);
    this.#unread = Buffer.from(buffer.subarray(0, count));
    this.release();
    return true;
  }
  release() {
    if (this.#descriptor !== void 0) close(this.#descriptor);
    this.#descriptor = void 0;
  }
};
function pollNow(descriptor) {
  const fds = POLLFD.encode({ fd: descriptor, events: POLLIN });
  ppoll(fds, 1, TIMESPEC.encode({}), null, 8);
  return POLLFD.decode(fds.bytes).revents;
}

// sdk/process.ts
var Process = class {
  /** Its id on the host. */
  pid;
  /** The command and its arguments. */
  args;
  #child;
  #streams;
  #exited;
  #status;
  #isSettled = false;
  /** @internal */
  constructor({ child, ends, args, stdin, signal }) {
    this.#child = child;
    this.pid = child.pid;
    this.args = args;
    const fed = isInputSource(stdin) && ends.stdin !== void 0 ? this.#feed(stdin, ends.stdin) : void 0;
    this.#streams = new Streams(fed === void 0 ? ends : { ...ends, stdin: void 0 });
    this.#exited = this.#end(fed, signal);
    this.#exited.catch(() => void 0);
  }
  /**
   * What it reads. @throws CaissonError NO_STREAM unless `stdin` was `'pipe'`
   */
  get stdin() {
    return this.#streams.stdin;
  }
  /**
   * What it writes; with a terminal, all of it. Until it is read, the process can write some 64 KiB and then waits.
   * @throws CaissonError NO_STREAM unless `stdout` was `'pipe'`
   */
  get stdout() {
    return this.#streams.stdout;
  }
  /**
   * As `stdout`.
   * @throws CaissonError NO_STREAM unless `stderr` was `'pipe'`, and with a terminal
   */
  get stderr() {
    return this.#streams.stderr;
  }
  /** The exit code, once it has ended by itself. */
  get exitCode() {
    return this.#status?.exitCode ?? null;
  }
  /** The signal that ended it. */
  get signalCode() {
    return this.#status?.signal ?? null;
  }
  /**
   * Waits for its end. Its output may still be in the streams.
   * @throws the reason of its abort signal, when that ended it; and what its `stdin` source threw
   */
  wait() {
    return this.#exited;
  }
  /**
   * Sends a signal.
   * @param signal @default 'SIGTERM'
   * @returns false when the process has ended
   */
  kill(signal = "SIGTERM") {
    return this.#child.kill(signal);
  }
  /** Tells the process the size of its terminal. Without one, nothing happens. */
  resize(size) {
    this.#streams.resize(size);
  }
  /** Ends the process with SIGKILL, waits for that and lets go of its output. */
  async [Symbol.asyncDispose]() {
    this.kill("SIGKILL");
    await this.#child.exited;
    this.release();
  }
  /**
   * Whether it has ended and nothing of it is open that somebody has not asked for.
   * @internal
   */
  get isSettled() {
    return this.#isSettled;
  }
  /**
   * Closes what nobody has asked for of its streams.
   * @internal
   */
  release() {
    this.#streams.release();
  }
  [inspect.custom]() {
    const { exitCode, signal } = this.#status ?? {};
    const state = this.#status === void 0 ? "running" : signal ?? `exited with ${exitCode}`;
    return `Process(${this.pid} ${JSON.stringify(this.args)} ${state})`;
  }
  async #feed(...input) {
    try {
      await feed(...input);
    } catch (error) {
      this.kill("SIGKILL");
      throw error;
    }
  }
  async #end(fed, signal) {
    const guard = endOnAbort(this.#child, signal);
    fed?.catch(() => void 0);
    this.#status = await this.#child.exited;
    guard.release();
    this.#isSettled = this.#streams.settle();
    if (guard.hasEnded) throw signal?.reason;
    await fed;
    return this.#status;
  }
};

// sdk/engine/start.ts
import { statSync as statSync5 } from "node:fs";
import { resolve as resolve2 } from "node:path";
init_syscalls();

// sdk/plan/join.ts
init_syscalls();

// sdk/spec/spec.ts
function hasNamespace(spec, type) {
  return spec.linux.namespaces.some((namespace) => namespace.type === type);
}

// sdk/plan/command.ts
init_syscalls();
var COMMAND_PURPOSE = "executing the command";
function enterCommand({ args, env }) {
  const [name = ""] = args;
  const argv = stringArray(args);
  const envp = stringArray(env);
  const enter2 = (path, onError, label2) => {
    return execve.step(COMMAND_PURPOSE, [path, argv, envp], { onError, label: label2 });
  };
  if (name.includes("/")) return [enter2(name)];
  const denied = variable("path of a file that may not be executed");
  const candidates = searchPath(env).map((directory) => `${directory}/${name}`);
  const last = candidates.length - 1;
  const attempts = candidates.flatMap((path, index) => {
    const next = `search ${index + 1}`;
    const refused = `denied ${index}`;
    return [
      enter2(path, { ENOENT: next, ENOTDIR: next, EACCES: refused }, `search ${index}`),
      add(path, 0, denied, { label: refused, next })
    ];
  });
  return [
    add(0, 0, denied),
    ...attempts,
    equal(denied, 0, { label: `search ${last + 1}`, otherwise: "try the denied file again" }),
    enter2(candidates[last] ?? name),
    enter2(denied, void 0, "try the denied file again")
  ];
}
var PATH_WITHOUT_PATH = "/bin:/usr/bin";
function searchPath(env) {
  const path = env.find((variable2) => variable2.startsWith("PATH="))?.slice("PATH=".length) ?? PATH_WITHOUT_PATH;
  return path.split(":").map((directory) => directory === "" ? "." : directory);
}

// sdk/plan/descriptors.ts
init_syscalls();

// sdk/plan/launch.ts
init_syscalls();

// sdk/plan/signals.ts
init_syscalls();
import { constants as constants6 } from "node:os";
var { SIGKILL, SIGCHLD } = constants6.signals;
var SIGSET_SIZE2 = 8;
var ALL_SIGNALS = memory(new Uint8Array(SIGSET_SIZE2).fill(255), [], () => "~[]");
var NO_SIGNALS = memory(new Uint8Array(SIGSET_SIZE2), [], () => "[]");
var LAST_SIGNAL = 64;
function resetSignals() {
  const signal = variable("signal");
  const byDefault = memory(new Uint8Array(32), [], () => "{SIG_DFL}");
  return [
    add(0, 1, signal),
    // SIGKILL and SIGSTOP refuse: they are what they should be.
    rt_sigaction.step("resetting a signal", [signal, byDefault, null, SIGSET_SIZE2], {
      label: "reset signal",
      onError: "next"
    }),
    add(signal, 1, signal),
    equal(signal, LAST_SIGNAL + 1, { otherwise: "reset signal" }),
    rt_sigprocmask.step("unblocking signals", [SIG_SETMASK, NO_SIGNALS, null, SIGSET_SIZE2])
  ];
}

// sdk/plan/launch.ts
var NAMESPACE_FLAG = {
  mount: CLONE_NEWNS,
  pid: CLONE_NEWPID,
  ipc: CLONE_NEWIPC,
  uts: CLONE_NEWUTS,
  cgroup: CLONE_NEWCGROUP,
  network: CLONE_NEWNET,
  user: CLONE_NEWUSER
};
function cloneFlags(namespaces) {
  return namespaces.reduce((flags, { type }) => flags + NAMESPACE_FLAG[type], 0);
}
var HIGH_DESCRIPTOR = 64;
function launchSteps(linux, stdio, extra = []) {
  const { pid, pidfd, image: image2, report } = LAUNCH_VARIABLES;
  const saved = memory(new Uint8Array(SIGSET_SIZE2), [], () => "[\u2026]");
  const flags = CLONE_VM + CLONE_VFORK + CLONE_PIDFD + CLONE_CLEAR_SIGHAND + cloneFlags(linux.namespaces);
  const args = CLONE_ARGS.encode({ flags, pidfd: addressOf(pidfd), exit_signal: SIGCHLD });
  return [
    // A handler of Node's must not run in the clone, on Node's memory.
    rt_sigprocmask.step("blocking signals", [SIG_SETMASK, ALL_SIGNALS, saved, SIGSET_SIZE2]),
    clone3.step("making the process", [args, CLONE_ARGS.size], { into: pid, onError: PARENT_LABEL }),
    equal(pid, 0, { otherwise: PARENT_LABEL }),
    ...mapIds(linux),
    ...wireDescriptors([...stdio, report, ...extra]),
    execveat.step("entering the stub", [image2, "", stringArray(["caisson"]), stringArray([]), AT_EMPTY_PATH]),
    rt_sigprocmask.step("restoring signals", [SIG_SETMASK, saved, null, SIGSET_SIZE2], { label: PARENT_LABEL })
  ];
}
function mapIds({ uidMappings, gidMappings }) {
  if (uidMappings.length === 0) return [];
  return [
    ...writeFile("/proc/self/setgroups", "deny"),
    ...writeFile("/proc/self/uid_map", formatMappings(uidMappings)),
    ...writeFile("/proc/self/gid_map", formatMappings(gidMappings))
  ];
}
function formatMappings(mappings) {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`).join("\n");
}
function writeFile(path, text) {
  const file = variable(`descriptor of ${path}`);
  return [
    openat.step(`opening ${path}`, [AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0], { into: file }),
    write2.step(`writing '${text}' to ${path}`, [file, text, Buffer.byteLength(text)]),
    close.step(`closing ${path}`, [file])
  ];
}
function wireDescriptors(descriptors) {
  const nowhere = variable("/dev/null");
  const opened2 = descriptors.includes("null") ? [openat.step("opening /dev/null", [AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0], { into: nowhere })] : [];
  const sources = descriptors.map((descriptor) => descriptor === "null" ? nowhere : descriptor);
  const moved = sources.map((_, target) => variable(`descriptor ${target}`));
  const up = sources.map((source2, target) => {
    const args = [source2, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR];
    return fcntl.step(`moving descriptor ${target} aside`, args, { into: moved[target] });
  });
  const down = moved.map((source2, target) => dup3.step(`setting descriptor ${target}`, [source2, target, 0]));
  return [...opened2, ...moveImage(), ...up, ...down];
}
function moveImage() {
  const { image: image2 } = LAUNCH_VARIABLES;
  return [fcntl.step("moving the stub aside", [image2, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR], { into: image2 })];
}
var FIRST_EXTRA_DESCRIPTOR = REPORT_DESCRIPTOR + 1;

// sdk/plan/descriptors.ts
function closeEverythingElse() {
  return close_range.step("closing all other descriptors", [FIRST_EXTRA_DESCRIPTOR, 4294967295, 0]);
}

// sdk/plan/identity.ts
init_syscalls();

// sdk/plan/prelude.ts
init_syscalls();
function closeReportOnExec() {
  return [fcntl.step("marking the report pipe close-on-exec", [REPORT_DESCRIPTOR, F_SETFD, FD_CLOEXEC])];
}
function dieWithOwner(where) {
  const readers = variable(`owner alive, ${where}`);
  const alive = `alive (${where})`;
  const fds = POLLFD.encode({ fd: REPORT_DESCRIPTOR, events: 0 });
  const now = TIMESPEC.encode({});
  return [
    prctl.step("asking to die with the owner", [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0]),
    ppoll.step("looking whether the owner lives", [fds, 1, now, null, 8], { into: readers }),
    equal(readers, 0, { next: alive }),
    exit_group.step("ending without an owner", [1]),
    label(alive)
  ];
}
function hideFromContainer() {
  return [prctl.step("making the joining process non-dumpable", [PR_SET_DUMPABLE, 0, 0, 0, 0])];
}

// sdk/plan/identity.ts
function joinKeyring() {
  const onError = { EDQUOT: "next", ENOSYS: "next" };
  return [keyctl.step("joining a session keyring of its own", [KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0], { onError })];
}
function becomeUser(process2, mayHaveGroups, where) {
  const { user, capabilities } = process2;
  return [
    ...dropBoundingSet(capabilities, process2.lastCapability),
    ...mayHaveGroups ? [setGroups(user)] : [],
    setresgid.step(`becoming group ${user.gid}`, [user.gid, user.gid, user.gid]),
    setresuid.step(`becoming user ${user.uid}`, [user.uid, user.uid, user.uid]),
    prctl.step("clearing ambient capabilities", [PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0]),
    setCapabilities(user.uid === 0 ? capabilities : []),
    // Changing ids clears the wish to die with the owner (man 2 PR_SET_PDEATHSIG).
    ...user.uid === 0 ? [] : dieWithOwner(where),
    umask.step("setting the umask", [18])
  ];
}
function dropBoundingSet(kept, lastCapability) {
  const numbers = new Set(kept.map((name) => CAPABILITIES[name]));
  const names2 = new Map(Object.entries(CAPABILITIES).map(([name, number]) => [number, name]));
  return Array.from({ length: lastCapability + 1 }, (_, capability) => capability).filter((capability) => !numbers.has(capability)).map((capability) => {
    const name = names2.get(capability) ?? `capability ${capability}`;
    return prctl.step(`dropping ${name}`, [PR_CAPBSET_DROP, capability, 0, 0, 0]);
  });
}
function setGroups({ gid, additionalGids }) {
  const groups = Uint32Array.from(/* @__PURE__ */ new Set([gid, ...additionalGids]));
  const list2 = memory(new Uint8Array(groups.buffer), [], () => `[${[...groups].join(", ")}]`);
  return setgroups.step("setting supplementary groups", [groups.length, list2]);
}
function setCapabilities(names2) {
  const header = USER_CAP_HEADER.encode({ version: _LINUX_CAPABILITY_VERSION_3, pid: 0 });
  const { bytes } = encodeCapabilities({ effective: names2, permitted: names2, inheritable: [] });
  const sets = memory(bytes, [], () => `{${names2.join("|")}}`);
  return capset.step("setting capabilities", [header, sets]);
}

// sdk/plan/plan.ts
init_syscalls();
function planOf({ launch: launch2, stub }) {
  const steps = [...launch2, ...stub];
  return { launch: launch2, stub, steps, toString: () => steps.map(formatStep).join("\n") };
}
function formatStep(step, index) {
  if (step.kind === "label") return `      ${step.label}:`;
  const label2 = step.label === void 0 ? "" : `${step.label}: `;
  return `${String(index).padStart(4)}  ${label2}${formatAction(step)}`;
}
function formatAction(step) {
  if (step.kind === "equal") {
    const [left, right] = [formatArgument(step.left), formatArgument(step.right)];
    const { next = "next", otherwise = "next" } = step;
    return next === otherwise ? `goto ${next}` : `if ${left} == ${right} goto ${next} else ${otherwise}`;
  }
  if (step.kind === "call") {
    const result = step.into === void 0 ? "" : `${step.into.name} = `;
    return `${result}${formatCall(step.call, step.args)}  # ${step.purpose}${formatBranches(step)}`;
  }
  const operator = { add: "+", and: "&", shift: ">>" }[step.kind];
  return `${step.into.name} = ${formatArgument(step.left)} ${operator} ${formatArgument(step.right)}`;
}
function formatBranches({ next, onError }) {
  const errors = typeof onError === "object" ? Object.entries(onError) : onError === void 0 ? [] : [["error", onError]];
  const branches = [...next === void 0 ? [] : [["then", next]], ...errors];
  return branches.map(([condition, label2]) => `; ${condition}: ${label2}`).join("");
}

// sdk/plan/terminal.ts
init_syscalls();
var TERMINAL_SOCKET = FIRST_EXTRA_DESCRIPTOR;
var MASTER = 10;
var CONSOLE = "/dev/console";
function openTerminal2({ consoleSize, user }) {
  const opened2 = variable("terminal master");
  const slave = variable("terminal");
  const how = OPEN_HOW.encode({ flags: O_RDWR | O_NOCTTY | O_CLOEXEC, resolve: RESOLVE_NO_MAGICLINKS });
  const size = WINSIZE.encode({ ws_row: consoleSize?.height ?? 24, ws_col: consoleSize?.width ?? 80 });
  return [
    openat2.step("opening a terminal", [AT_FDCWD, "/dev/pts/ptmx", how, OPEN_HOW.size], { into: opened2 }),
    dup3.step("numbering the terminal", [opened2, MASTER, O_CLOEXEC]),
    ioctl.step("unlocking the terminal", [MASTER, TIOCSPTLCK, memory(new Uint8Array(4), [], () => "[0]")]),
    ioctl.step("sizing the terminal", [MASTER, TIOCSWINSZ, size]),
    ioctl.step("opening the other side of the terminal", [MASTER, TIOCGPTPEER, BigInt(O_RDWR | O_NOCTTY)], {
      into: slave
    }),
    fchownat.step("giving the terminal to the user", [slave, "", user.uid, user.gid, AT_EMPTY_PATH]),
    sendmsg.step("handing over the terminal", [TERMINAL_SOCKET, descriptorMessage(MASTER), 0]),
    ...[0, 1, 2].map((descriptor) => dup3.step(`setting descriptor ${descriptor}`, [slave, descriptor, 0])),
    ...[opened2, slave, MASTER, TERMINAL_SOCKET].map((descriptor) => close.step("closing a descriptor", [descriptor]))
  ];
}
function bindConsole() {
  return [
    mknodat.step(`making ${CONSOLE}`, [AT_FDCWD, CONSOLE, S_IFREG | 384, makedev(0, 0)]),
    mount.step(`binding ${CONSOLE}`, ["/dev/pts/0", CONSOLE, null, MS_BIND, null])
  ];
}
function startSession({ terminal }) {
  return [
    setsid.step("starting a session", []),
    ...terminal ? [ioctl.step("taking the terminal", [0, TIOCSCTTY, 0n])] : []
  ];
}
function descriptorMessage(descriptor) {
  const control = new Uint8Array(24);
  control.set(CMSGHDR.encode({ cmsg_len: CMSGHDR.size + 4, cmsg_level: SOL_SOCKET, cmsg_type: SCM_RIGHTS }).bytes);
  new DataView(control.buffer).setInt32(CMSGHDR.size, descriptor, true);
  const byte = IOVEC.encode({ iov_base: new Uint8Array(1), iov_len: 1 });
  return MSGHDR.encode({
    msg_iov: byte,
    msg_iovlen: 1,
    msg_control: memory(control, [], () => `SCM_RIGHTS[${descriptor}]`),
    msg_controllen: control.length
  });
}

// sdk/plan/join.ts
var TARGET = variable("container");
var TARGET_DESCRIPTOR = FIRST_EXTRA_DESCRIPTOR + 1;
function planJoin(spec, process2, { stdio, extra }) {
  const child = variable("pid of the process");
  const flags = cloneFlags(spec.linux.namespaces);
  const args = CLONE_ARGS.encode({ flags: CLONE_VM + CLONE_VFORK + CLONE_PARENT });
  return planOf({
    launch: launchSteps({ namespaces: [], uidMappings: [], gidMappings: [] }, stdio, [...extra, TARGET]),
    stub: [
      ...closeReportOnExec(),
      ...dieWithOwner("join"),
      ...hideFromContainer(),
      setns.step("entering the container's namespaces", [TARGET_DESCRIPTOR, flags]),
      clone3.step("making the process", [args, CLONE_ARGS.size], { into: child }),
      equal(child, 0, { otherwise: "first" }),
      ...becomeProcess(spec, process2),
      write2.step("telling the pid", [REPORT_DESCRIPTOR, addressOf(child), PID_SIZE], { label: "first" }),
      exit_group.step("leaving the process to its owner", [0])
    ]
  });
}
var PID_SIZE = 8;
function becomeProcess(spec, process2) {
  return [
    ...dieWithOwner("joined"),
    ...joinKeyring(),
    ...process2.terminal ? openTerminal2(process2) : [],
    closeEverythingElse(),
    chdir.step("entering the working directory", [process2.cwd]),
    ...startSession(process2),
    ...becomeUser(process2, !hasNamespace(spec, "user"), "joined user"),
    ...resetSignals(),
    ...enterCommand(process2)
  ];
}

// sdk/spec/normalize.ts
init_syscalls();

// sdk/spec/defaults.ts
var DEFAULT_CAPABILITIES = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE"
];
var DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
var DEFAULT_DEVICES = [
  { path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 438 },
  { path: "/dev/zero", type: "c", major: 1, minor: 5, fileMode: 438 },
  { path: "/dev/full", type: "c", major: 1, minor: 7, fileMode: 438 },
  { path: "/dev/random", type: "c", major: 1, minor: 8, fileMode: 438 },
  { path: "/dev/urandom", type: "c", major: 1, minor: 9, fileMode: 438 },
  { path: "/dev/tty", type: "c", major: 5, minor: 0, fileMode: 438 }
];
var MASKED_PATHS = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware"
];
var READONLY_PATHS = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger"
];
function standardMounts(ttyGroup) {
  const group = ttyGroup === void 0 ? [] : [`gid=${ttyGroup}`];
  const mounts = [
    { destination: "/proc", type: "proc", options: ["nosuid", "nodev", "noexec"] },
    { destination: "/dev", type: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=65536k"] },
    {
      destination: "/dev/pts",
      type: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", ...group]
    },
    { destination: "/dev/shm", type: "tmpfs", options: ["nosuid", "nodev", "noexec", "mode=1777", "size=65536k"] },
    { destination: "/dev/mqueue", type: "mqueue", options: ["nosuid", "nodev", "noexec"] },
    { destination: "/sys", type: "sysfs", options: ["nosuid", "nodev", "noexec", "ro"] }
  ];
  return mounts.map((mount2) => ({ ...mount2, standard: true }));
}

// sdk/spec/normalize.ts
var TTY_GROUP = 5;
var SHORT_ID_LENGTH = 12;
function normalizeContainer(options, resolved) {
  const { facts: facts2, user, config } = resolved;
  const hostname = options.hostname ?? resolved.id.slice(0, SHORT_ID_LENGTH);
  const mappings = idMappings(facts2);
  return {
    ociVersion: "1.2.0",
    hostname,
    root: {
      path: resolved.rootPath,
      readonly: options.readOnly ?? false,
      layers: resolved.layers,
      upper: options.upper ?? "disk",
      views: resolved.views
    },
    process: normalizeProcess(options, {
      user,
      args: commandOf(options, config),
      env: [...config.Env ?? [], `HOSTNAME=${hostname}`],
      cwd: config.WorkingDir === "" ? void 0 : config.WorkingDir,
      lastCapability: facts2.lastCapability,
      init: options.init ?? false
    }),
    mounts: [
      ...standardMounts(isMapped(TTY_GROUP, mappings.gid) ? TTY_GROUP : void 0),
      ...(options.mounts ?? []).map((mount2, index) => specMount(mount2, resolved.mounts[index]?.kind ?? "directory"))
    ],
    linux: {
      namespaces: namespacesOf(options, facts2).map((type) => ({ type })),
      uidMappings: mappings.uid,
      gidMappings: mappings.gid,
      devices: DEFAULT_DEVICES,
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READONLY_PATHS
    }
  };
}
function normalizeProcess(options, defaults) {
  const { user, args } = defaults;
  const terminal = options.tty !== void 0 && options.tty !== false;
  const size = typeof options.tty === "object" ? options.tty : void 0;
  return {
    terminal,
    consoleSize: size === void 0 ? void 0 : { height: size.rows, width: size.columns },
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    args,
    env: environment(options, defaults, terminal),
    cwd: options.workdir ?? defaults.cwd ?? "/",
    capabilities: DEFAULT_CAPABILITIES,
    lastCapability: defaults.lastCapability,
    init: defaults.init ?? false
  };
}
function commandOf({ entrypoint, command }, config) {
  const args = [
    ...entrypoint ?? config.Entrypoint ?? [],
    ...command ?? (entrypoint === void 0 ? config.Cmd ?? [] : [])
  ];
  if (args.length === 0) {
    throw new CaissonError("NO_COMMAND", "the image has neither an entrypoint nor a command, and none was given", {
      hint: "give one: { command: ['sh'] }"
    });
  }
  return args;
}
function environment({ env = {} }, { user, env: base }, terminal) {
  const variables = new Map([
    ["PATH", DEFAULT_PATH],
    ["HOME", user.home],
    ...terminal ? [["TERM", "xterm"]] : []
  ]);
  for (const variable2 of base) {
    const [name = "", ...value] = variable2.split("=");
    variables.set(name, value.join("="));
  }
  for (const [name, value] of Object.entries(env)) {
    if (value === void 0) variables.delete(name);
    else variables.set(name, value);
  }
  return [...variables].map(([name, value]) => `${name}=${value}`);
}
function specMount(mount2, kind) {
  const readOnly = mount2.readOnly === true ? ["ro"] : [];
  if (mount2.type === "bind") {
    return { destination: mount2.target, type: "bind", source: mount2.source, options: ["rbind", ...readOnly], kind };
  }
  const size = mount2.sizeBytes === void 0 ? [] : [`size=${mount2.sizeBytes}`];
  const mode = `mode=${(mount2.mode ?? 1023).toString(8)}`;
  return { destination: mount2.target, type: "tmpfs", options: ["nosuid", "nodev", mode, ...size, ...readOnly] };
}
function namespacesOf({ network }, { privileged }) {
  return [
    ...privileged ? [] : ["user"],
    "mount",
    "pid",
    "ipc",
    "uts",
    "cgroup",
    ...network === "host" ? [] : ["network"]
  ];
}
function idMappings({ uid, gid, privileged }) {
  if (privileged) return { uid: [], gid: [] };
  return { uid: [{ containerID: 0, hostID: uid, size: 1 }], gid: [{ containerID: 0, hostID: gid, size: 1 }] };
}
function isMapped(id, mappings) {
  return mappings.length === 0 || mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}

// sdk/spec/process-facts.ts
init_syscalls();
import { readFileSync as readFileSync8 } from "node:fs";
var facts;
function processFacts() {
  facts ??= readFacts();
  return facts;
}
function readFacts() {
  const uid = process.geteuid?.() ?? 0;
  const gid = process.getegid?.() ?? 0;
  const lastCapability = Number(readFileSync8("/proc/sys/kernel/cap_last_cap", "utf8"));
  return { uid, gid, privileged: uid === 0 && hasCapability(CAPABILITIES.CAP_SYS_ADMIN), lastCapability };
}
function hasCapability(capability) {
  const data = new Uint8Array(2 * USER_CAP_DATA.size);
  capget(USER_CAP_HEADER.encode({ version: _LINUX_CAPABILITY_VERSION_3, pid: 0 }), data);
  return (USER_CAP_DATA.decode(data).effective >>> capability & 1) === 1;
}

// sdk/spec/user.ts
init_syscalls();
import { closeSync as closeSync7, fstatSync as fstatSync5, readSync as readSync2, statSync as statSync4 } from "node:fs";
var MAX_BYTES = 1048576;
var MAX_ID = 4294967294;
function readUserFiles(roots) {
  return {
    passwd: parseColons(readFirst(roots, "etc/passwd")).flatMap(([name = "", , uid, gid, , home = ""]) => {
      const ids = [parseId(uid), parseId(gid)];
      const [id, group] = ids;
      return id === void 0 || group === void 0 ? [] : [{ name, uid: id, gid: group, home }];
    }),
    group: parseColons(readFirst(roots, "etc/group")).flatMap(([name = "", , gid, members = ""]) => {
      const id = parseId(gid);
      return id === void 0 ? [] : [{ name, gid: id, members: members.split(",").filter((member) => member !== "") }];
    })
  };
}
var MAX_REMEMBERED = 32;
var remembered = /* @__PURE__ */ new Map();
function rememberUserFiles(layers, mayChange) {
  const key = layers.join("\0");
  const names2 = mayChange ? layers.flatMap((layer) => [`${layer}/etc/passwd`, `${layer}/etc/group`]) : [];
  const stamp = names2.map(stampOf).join();
  const known = remembered.get(key);
  if (known?.stamp === stamp) return known.files;
  const files = readUserFiles(layers.toReversed());
  const oldest = remembered.keys().next().value;
  if (remembered.size >= MAX_REMEMBERED && oldest !== void 0) remembered.delete(oldest);
  remembered.set(key, { stamp, files });
  return files;
}
function stampOf(path) {
  try {
    const stat = statSync4(path, { throwIfNoEntry: false });
    return stat === void 0 ? "" : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
  } catch (error) {
    return String(error.code);
  }
}
function resolveUser(user, files) {
  const [name = "", groupName, ...rest] = String(user).split(":");
  if (rest.length > 0 || name === "" || groupName === "") {
    throw new CaissonError("INVALID_USER", `user '${user}' is not a name, uid, uid:gid or name:group`);
  }
  const uid = numericId(name, user);
  const entry = files.passwd.find((each) => uid === void 0 ? each.name === name : each.uid === uid);
  if (uid === void 0 && entry === void 0) {
    throw notFound("USER_NOT_FOUND", "user", name, files.passwd);
  }
  const gid = groupName === void 0 ? entry?.gid ?? 0 : resolveGroup(groupName, user, files);
  const isMember = (members) => entry !== void 0 && members.includes(entry.name);
  return {
    uid: uid ?? entry?.uid ?? 0,
    gid,
    // Docker's rule: who asks for a group gets that one only.
    additionalGids: groupName === void 0 ? files.group.filter(({ members }) => isMember(members)).map((group) => group.gid) : [],
    home: entry?.home || "/"
  };
}
function resolveGroup(name, user, { group }) {
  const gid = numericId(name, user) ?? group.find((each) => each.name === name)?.gid;
  if (gid === void 0) throw notFound("GROUP_NOT_FOUND", "group", name, group);
  return gid;
}
function numericId(text, user) {
  if (!/^[+-]?[0-9]+$/.test(text)) return void 0;
  const id = parseId(text);
  if (id === void 0) {
    throw new CaissonError("INVALID_USER", `user '${user}': ${text} is not an id from 0 to ${MAX_ID}`);
  }
  return id;
}
function parseId(text) {
  if (text === void 0 || !/^[0-9]{1,10}$/.test(text)) return void 0;
  const id = Number(text);
  return id <= MAX_ID ? id : void 0;
}
function notFound(code2, what, name, known) {
  const names2 = known.slice(0, 20).map((each) => each.name);
  const there = names2.length === 0 ? "it has none" : `it has ${names2.join(", ")}${known.length > 20 ? ", \u2026" : ""}`;
  return new CaissonError(code2, `the container has no ${what} '${name}': ${there}`);
}
function parseColons(text) {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split(":"));
}
function readFirst(roots, path) {
  for (const root2 of roots) {
    const text = readInside(root2, path);
    if (text !== void 0) return text;
  }
  return "";
}
function readInside(root2, path) {
  let directory;
  let file;
  try {
    directory = openat(AT_FDCWD, root2, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    const flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    const how = OPEN_HOW.encode({ flags, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS });
    file = openat2(directory, path, how, OPEN_HOW.size);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "ELOOP", "EACCES", "ENXIO")) return void 0;
    throw error;
  } finally {
    if (directory !== void 0) close(directory);
  }
  try {
    const stat = fstatSync5(file);
    if (!stat.isFile()) return void 0;
    if (stat.size > MAX_BYTES) {
      throw new CaissonError(
        "INVALID_USER",
        `/${path} of the container has ${stat.size} bytes; at most ${MAX_BYTES} are read`
      );
    }
    const buffer = Buffer.alloc(stat.size);
    return buffer.toString("utf8", 0, readSync2(file, buffer));
  } finally {
    closeSync7(file);
  }
}

// sdk/engine/child.ts
init_syscalls();
import { constants as constants7 } from "node:os";
var REPORT_BYTES = 64;
var CLD_EXITED2 = 1;
function launchInit({ compiled, image: image2, program }, values) {
  const { pid, pidfd, report } = launch(compiled, values, image2);
  const child = superviseChild(pid, pidfd);
  return {
    child,
    async started() {
      const failure = failureIn(await readReport(report), compiled, program());
      if (failure === void 0) return;
      await child.exited;
      throw failure;
    },
    failure() {
      const buffer = Buffer.alloc(REPORT_BYTES);
      const length = read(report, buffer, REPORT_BYTES);
      close(report);
      return length === 0 ? void 0 : failureIn(buffer.subarray(0, length), compiled, program());
    }
  };
}
async function startJoined(compiled, values) {
  const launched = launch(compiled, values);
  const first = superviseChild(launched.pid, launched.pidfd);
  const report = await readReport(launched.report);
  const pid = joinedPid(report);
  const child = pid === void 0 ? void 0 : superviseChild(pid, pidfd_open(pid, 0));
  await first.exited;
  const failure = failureIn(report, compiled);
  if (failure === void 0 && child !== void 0) return child;
  await child?.exited;
  throw failure ?? new CaissonError("KILLED", "the process was ended while it entered the container");
}
function joinedPid(report) {
  const size = 8;
  if (report.length % 16 !== size) return void 0;
  return Number(new DataView(report.buffer, report.byteOffset).getBigInt64(report.length - size, true));
}
function readReport(descriptor) {
  const buffer = Buffer.alloc(REPORT_BYTES);
  let length = 0;
  return new Promise((resolve4, reject) => {
    const handle = watch(descriptor, { readable: true }, () => {
      try {
        const count = read(descriptor, buffer.subarray(length), REPORT_BYTES - length);
        length += count;
        if (count > 0) return;
        resolve4(buffer.subarray(0, length));
      } catch (error) {
        if (hasCode(error, "EAGAIN", "EINTR")) return;
        reject(error);
      }
      handle.close();
      close(descriptor);
    });
  });
}
function superviseChild(pid, pidfd) {
  let isRunning = true;
  const exited = new Promise((resolve4) => {
    const handle = watch(pidfd, { readable: true }, () => {
      const info = new Uint8Array(SIGINFO_CHILD.size);
      waitid(P_PIDFD, pidfd, info, WEXITED | WNOHANG, null);
      const { si_pid, si_code, si_status } = SIGINFO_CHILD.decode(info);
      if (si_pid === 0) return;
      isRunning = false;
      handle.close();
      close(pidfd);
      resolve4(
        si_code === CLD_EXITED2 ? { exitCode: si_status, signal: null } : { exitCode: null, signal: signalName(si_status) }
      );
    });
  });
  return {
    pid,
    exited,
    kill(signal) {
      if (!isRunning) return false;
      try {
        pidfd_send_signal(pidfd, constants7.signals[signal], null, 0);
        return true;
      } catch (error) {
        if (hasCode(error, "ESRCH")) return false;
        throw error;
      }
    }
  };
}
function signalName(number) {
  const found = Object.entries(constants7.signals).find(([, value]) => value === number);
  return found?.[0] ?? `SIG${number}`;
}

// sdk/engine/compile.ts
init_syscalls();

// sdk/plan/container.ts
init_syscalls();

// sdk/plan/detached.ts
init_syscalls();
var ATTRIBUTES = {
  ro: MOUNT_ATTR_RDONLY,
  nosuid: MOUNT_ATTR_NOSUID,
  nodev: MOUNT_ATTR_NODEV,
  noexec: MOUNT_ATTR_NOEXEC,
  strictatime: MOUNT_ATTR_STRICTATIME
};
function attributesOf(options) {
  return options.reduce((attributes, option) => attributes | (ATTRIBUTES[option] ?? 0), 0);
}
function openMount(specMount2, into) {
  const { type, source: source2, destination, options } = specMount2;
  const purpose = `preparing ${type === "bind" ? `the bind of ${source2}` : type} for ${destination}`;
  if (type === "bind") return openBind(purpose, source2 ?? "", attributesOf(options), into);
  const context = variable("file system");
  return [
    fsopen.step(purpose, [type, FSOPEN_CLOEXEC], { into: context }),
    // What /proc/mounts shows as its source.
    configure(purpose, context, `source=${type}`),
    ...options.filter((option) => !(option in ATTRIBUTES)).map((option) => configure(purpose, context, option)),
    fsconfig.step(purpose, [context, FSCONFIG_CMD_CREATE, null, null, 0]),
    fsmount.step(purpose, [context, FSMOUNT_CLOEXEC, attributesOf(options)], { into })
  ];
}
function openBind(purpose, source2, attributes, into) {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
  return [
    open_tree.step(purpose, [AT_FDCWD, source2, flags], { into }),
    ...attributes === 0 ? [] : [setAttributes(purpose, into, "", attributes, AT_EMPTY_PATH | AT_RECURSIVE)]
  ];
}
function setAttributes(purpose, directory, path, attributes, flags) {
  const attr = MOUNT_ATTR.encode({ attr_set: attributes });
  return mount_setattr.step(purpose, [directory, path, flags, attr, MOUNT_ATTR.size]);
}
function configure(purpose, context, option) {
  const [key = "", value] = option.split("=");
  const command = value === void 0 ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
  return fsconfig.step(purpose, [context, command, key, value ?? null, 0]);
}

// sdk/plan/devices.ts
init_syscalls();
var LINKS = [
  ["/proc/self/fd", "/dev/fd"],
  ["/proc/self/fd/0", "/dev/stdin"],
  ["/proc/self/fd/1", "/dev/stdout"],
  ["/proc/self/fd/2", "/dev/stderr"],
  ["/proc/kcore", "/dev/core"],
  ["pts/ptmx", "/dev/ptmx"]
];
function openDevices(spec) {
  if (!hasNamespace(spec, "user")) return [];
  return spec.linux.devices.flatMap(({ path }) => {
    return openBind(`opening the host's ${path}`, path, 0, deviceVariable(path));
  });
}
function makeDevices(spec) {
  const make = hasNamespace(spec, "user") ? bindNode : makeNode;
  const links = LINKS.map(([target, path]) => symlinkat.step(`making ${path}`, [target, AT_FDCWD, path]));
  return [...spec.linux.devices.flatMap(make), ...links];
}
function makeNode({ path, major, minor, fileMode }) {
  return [mknodat.step(`making ${path}`, [AT_FDCWD, path, S_IFCHR | fileMode, makedev(major, minor)])];
}
function bindNode({ path, fileMode }) {
  return [
    mknodat.step(`making ${path}`, [AT_FDCWD, path, S_IFREG | fileMode, makedev(0, 0)]),
    move_mount.step(`binding ${path}`, [deviceVariable(path), "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH])
  ];
}
function deviceVariable(path) {
  return variable(`host's ${path}`);
}

// sdk/plan/masks.ts
init_syscalls();
var EMPTY = "/dev/.masked";
function maskPaths({ linux }) {
  return [
    mkdirat.step("making an empty directory", [AT_FDCWD, EMPTY, 365]),
    ...linux.maskedPaths.flatMap(mask),
    unlinkat.step("removing the empty directory", [AT_FDCWD, EMPTY, AT_REMOVEDIR]),
    ...linux.readonlyPaths.flatMap(protect)
  ];
}
function mask(path) {
  const done = `masked ${path}`;
  const asDirectory = `mask directory ${path}`;
  return [
    mount.step(`masking ${path}`, ["/dev/null", path, null, MS_BIND, null], {
      next: done,
      onError: { ENOENT: done, ENOTDIR: asDirectory }
    }),
    mount.step(`masking ${path}`, [EMPTY, path, null, MS_BIND, null], { label: asDirectory }),
    label(done)
  ];
}
function protect(path) {
  const done = `protected ${path}`;
  const attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  const purpose = `making ${path} read-only`;
  return [
    mount.step(purpose, [path, path, null, MS_BIND | MS_REC, null], { onError: { ENOENT: done } }),
    setAttributes(purpose, AT_FDCWD, path, attributes, AT_RECURSIVE),
    label(done)
  ];
}

// sdk/plan/mounts.ts
init_syscalls();
function openMounts(spec) {
  const opened2 = spec.mounts.map((specMount2, index) => {
    return { specMount: withoutNetwork(specMount2, spec), mount: variable(`mount ${index} (${specMount2.destination})`) };
  });
  return { steps: opened2.flatMap(({ specMount: specMount2, mount: mount2 }) => openMount(specMount2, mount2)), opened: opened2 };
}
function withoutNetwork(specMount2, spec) {
  const mayMount = !hasNamespace(spec, "user") || hasNamespace(spec, "network");
  if (specMount2.type !== "sysfs" || mayMount) return specMount2;
  return { ...specMount2, type: "bind", source: "/sys", kind: "directory" };
}
function attachStandard(destination, mount2) {
  const place = variable("place");
  return [
    mkdirat.step(`making ${destination}`, [AT_FDCWD, destination, 493], {
      onError: { EEXIST: "next", EROFS: "next" }
    }),
    openDirectory2(destination, RESOLVE_NO_SYMLINKS, place),
    moveTo(mount2, destination, place)
  ];
}
function attachAt({ specMount: specMount2, mount: mount2 }) {
  const { destination, kind } = specMount2;
  const place = variable("place");
  const found = `place of ${mount2.name}`;
  return [
    openPlace(destination, place, { next: found, onError: { ENOENT: "next" } }),
    ...makePlace(destination, kind ?? "directory"),
    openPlace(destination, place, {}),
    moveTo(mount2, destination, place, found)
  ];
}
function makePlace(destination, kind) {
  const parts = destination.split("/").filter((part) => part !== "" && part !== ".");
  const paths = parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
  const onError = { EEXIST: "next" };
  return paths.map((path, index) => {
    const isFile = kind === "file" && index === paths.length - 1;
    return isFile ? mknodat.step(`making ${path}`, [AT_FDCWD, path, S_IFREG | 420, makedev(0, 0)], { onError }) : mkdirat.step(`making ${path}`, [AT_FDCWD, path, 493], { onError });
  });
}
function makeDirectories(path) {
  return makePlace(path, "directory");
}
function openDirectory2(path, resolve4, into) {
  const how = OPEN_HOW.encode({ flags: O_PATH | O_DIRECTORY | O_CLOEXEC, resolve: resolve4 | RESOLVE_NO_MAGICLINKS });
  return openat2.step(`opening ${path}`, [AT_FDCWD, path, how, OPEN_HOW.size], { into });
}
function openPlace(path, into, options) {
  const how = OPEN_HOW.encode({ flags: O_PATH | O_CLOEXEC, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS });
  return openat2.step(`opening the place of ${path}`, [AT_FDCWD, path, how, OPEN_HOW.size], { into, ...options });
}
function moveTo(mount2, destination, place, label2) {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  return move_mount.step(`mounting ${destination}`, [mount2, "", place, "", flags], { label: label2 });
}
function attachInside(destination, mount2) {
  return [
    mkdirat.step(`making ${destination}`, [AT_FDCWD, destination, 493]),
    move_mount.step(`mounting ${destination}`, [mount2, "", AT_FDCWD, destination, MOVE_MOUNT_F_EMPTY_PATH])
  ];
}

// sdk/plan/network.ts
init_syscalls();
function raiseLoopback(spec) {
  if (!hasNamespace(spec, "network")) return [];
  const control = variable("socket");
  const request = IFREQ.encode({ ifr_name: Buffer.from("lo"), ifr_flags: IFF_UP });
  return [
    socket.step("opening a socket", [AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0], { into: control }),
    ioctl.step("bringing up loopback", [control, SIOCSIFFLAGS, request]),
    close.step("closing the socket", [control])
  ];
}

// sdk/plan/overlay.ts
init_syscalls();
var MAX_MOUNT_DATA = 4095;
var LOWER_DESCRIPTORS = 1e3;
function mountRoot(spec) {
  const { root: root2 } = spec;
  const enter2 = chdir.step("entering the container's directory", [root2.path]);
  return [
    mount.step("cutting the mounts off from the host", [null, "/", null, MS_REC | MS_SLAVE, null]),
    ...root2.upper === "tmpfs" ? mountUpper(root2.path) : [],
    enter2,
    ...root2.upper === "tmpfs" ? [makeDirectory("upper"), makeDirectory("work")] : [],
    ...mountOverlay(spec)
  ];
}
function openViews(spec) {
  const opened2 = spec.root.views.map((view) => openView(view, spec));
  return { steps: opened2.flatMap(({ steps }) => steps), views: opened2.map(({ view }) => view) };
}
function openView({ source: source2, target }, spec) {
  const context = variable(`overlay of ${target}`);
  const mounted = variable(`view ${target}`);
  const name = target.slice(1);
  const purpose = `preparing the view of ${source2}`;
  const set = (key, value) => fsconfig.step(purpose, [context, FSCONFIG_SET_STRING, key, value, 0]);
  const parents = name.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
  const steps = [
    makeDirectory("views"),
    ...parents.map((path) => makeDirectory(`upper/${path}`)),
    makeDirectory(`views/${name.replaceAll("/", "-")}`),
    fsopen.step(purpose, ["overlay", FSOPEN_CLOEXEC], { into: context }),
    set("lowerdir", source2),
    set("upperdir", `upper/${name}`),
    set("workdir", `views/${name.replaceAll("/", "-")}`),
    ...overlayFlags(spec).map((flag) => fsconfig.step(purpose, [context, FSCONFIG_SET_FLAG, flag, null, 0])),
    fsconfig.step(purpose, [context, FSCONFIG_CMD_CREATE, null, null, 0]),
    fsmount.step(purpose, [context, FSMOUNT_CLOEXEC, 0], { into: mounted })
  ];
  return { steps, view: { target, mount: mounted } };
}
function mountUpper(path) {
  return [mount.step("mounting memory for the changes", ["tmpfs", path, "tmpfs", 0, "mode=700"])];
}
function makeDirectory(path) {
  return mkdirat.step(`making '${path}'`, [AT_FDCWD, path, 493], { onError: { EEXIST: "next" } });
}
function overlayFlags(spec) {
  const onDisk = spec.root.upper === "disk";
  return [...onDisk ? ["volatile"] : [], ...hasNamespace(spec, "user") ? ["userxattr"] : []];
}
function mountOverlay(spec) {
  const { path, layers } = spec.root;
  const flags = overlayFlags(spec);
  const options = (lower) => {
    return [`lowerdir=${lower.toReversed().join(":")}`, "upperdir=upper", "workdir=work", ...flags].join();
  };
  const byPath = options(layers);
  const fits = Buffer.byteLength(byPath) <= MAX_MOUNT_DATA && !layers.some((layer) => /[:,\\]/.test(layer));
  const byDescriptor = layers.map((_, index) => `/proc/self/fd/${LOWER_DESCRIPTORS + index}`);
  return [
    ...fits ? [] : layers.flatMap((layer, index) => openLower(layer, LOWER_DESCRIPTORS + index)),
    mount.step("mounting the root", ["overlay", path, "overlay", 0, fits ? byPath : options(byDescriptor)])
  ];
}
function openLower(layer, descriptor) {
  const opened2 = variable("layer");
  return [
    openat.step("opening a layer", [AT_FDCWD, layer, O_PATH | O_DIRECTORY | O_CLOEXEC, 0], { into: opened2 }),
    dup3.step("numbering a layer", [opened2, descriptor, O_CLOEXEC])
  ];
}

// sdk/plan/reaper.ts
init_syscalls();
function reapFor(command) {
  const child = variable("pid of the command");
  const signal = variable("signal to forward");
  const reaped = variable("reaped pid");
  const status = variable("wait status");
  const code2 = variable("exit code");
  const args = CLONE_ARGS.encode({ flags: CLONE_VM + CLONE_VFORK, exit_signal: SIGCHLD });
  return [
    prctl.step("naming PID 1", [
      PR_SET_NAME,
      memory(Buffer.from("caisson-init\0"), [], () => '"caisson-init"'),
      0,
      0,
      0
    ]),
    clone3.step("making the command's process", [args, CLONE_ARGS.size], { into: child }),
    equal(child, 0, { otherwise: "reaper" }),
    ...command,
    // The command has been entered, or its process has reported why not and is reaped below.
    close.step("closing the report pipe", [REPORT_DESCRIPTOR], { label: "reaper" }),
    rt_sigtimedwait.step("waiting for a signal", [ALL_SIGNALS, null, null, SIGSET_SIZE2], {
      label: "wait",
      into: signal,
      onError: { EINTR: "wait" }
    }),
    equal(signal, SIGCHLD, { next: "reap" }),
    kill.step("forwarding a signal", [child, signal], { next: "wait", onError: "wait" }),
    wait4.step("reaping", [-1, addressOf(status), WNOHANG, null], { label: "reap", into: reaped, onError: "wait" }),
    equal(reaped, 0, { next: "wait" }),
    equal(reaped, child, { otherwise: "reap" }),
    // WTERMSIG is the low seven bits, WEXITSTATUS the eight above (man 2 wait).
    and(status, 127, code2),
    equal(code2, 0, { next: "exited" }),
    add(code2, 128, code2),
    exit_group.step("ending as the command did", [code2]),
    shift(status, 8, code2, { label: "exited" }),
    exit_group.step("ending as the command did", [code2])
  ];
}

// sdk/plan/container.ts
function planContainer(spec, { stdio, extra }) {
  const views = openViews(spec);
  const mounts = openMounts(spec);
  return planOf({
    launch: launchSteps(spec.linux, stdio, extra),
    stub: [
      ...closeReportOnExec(),
      ...dieWithOwner("start"),
      ...joinKeyring(),
      // Else the modes of devices and directories would be what the owner's umask leaves of them.
      umask.step("giving files the modes they are made with", [0]),
      // With the host's files in sight, nothing of the image is resolved.
      ...mountRoot(spec),
      ...views.steps,
      ...mounts.steps,
      ...openDevices(spec),
      ...enterRoot(spec),
      // From here on there is only the container.
      ...views.views.flatMap(({ target, mount: mount2 }) => attachStandard(target, mount2)),
      ...attachMounts(spec, mounts.opened),
      ...raiseLoopback(spec),
      sethostname.step("setting the hostname", [spec.hostname, Buffer.byteLength(spec.hostname)]),
      ...makeDirectories(spec.process.cwd),
      ...protectRoot(spec),
      closeEverythingElse(),
      chdir.step("entering the working directory", [spec.process.cwd]),
      ...becomeProcess2(spec)
    ]
  });
}
function enterRoot({ root: root2 }) {
  return [
    chdir.step("entering the root", [root2.path]),
    pivot_root.step("making it the root", [".", "."]),
    umount2.step("letting go of the host's files", [".", MNT_DETACH]),
    chdir.step("entering the new root", ["/"])
  ];
}
function attachMounts(spec, opened2) {
  const isStandard = ({ specMount: specMount2 }) => specMount2.standard === true;
  const attach = ({ specMount: { destination }, mount: mount2 }) => {
    return destination.startsWith("/dev/") ? attachInside(destination, mount2) : attachStandard(destination, mount2);
  };
  return [
    ...opened2.filter(isStandard).flatMap(attach),
    ...makeDevices(spec),
    ...spec.process.terminal ? [...openTerminal2(spec.process), ...bindConsole()] : [],
    ...maskPaths(spec),
    ...opened2.filter((mount2) => !isStandard(mount2)).flatMap(attachAt)
  ];
}
function protectRoot({ root: root2 }) {
  return root2.readonly ? [setAttributes("making the root read-only", AT_FDCWD, "/", MOUNT_ATTR_RDONLY, 0)] : [];
}
function becomeProcess2(spec) {
  const { process: process2 } = spec;
  const mayHaveGroups = !hasNamespace(spec, "user");
  const become = becomeUser(process2, mayHaveGroups, "user");
  const command = [...resetSignals(), ...enterCommand(process2)];
  if (process2.init) return [...become, ...reapFor([...startSession(process2), ...command])];
  return [...startSession(process2), ...become, ...command];
}

// sdk/engine/compile.ts
var MAX_TEMPLATES = 16;
var templates = /* @__PURE__ */ new Map();
function compileContainer(spec, wiring, id) {
  const short = id.slice(0, SHORT_ID_LENGTH);
  const key = JSON.stringify([spec, wiring]).replaceAll(id, "<id>").replaceAll(short, "<short id>");
  const program = () => planContainer(spec, wiring);
  let template = templates.get(key);
  if (template === void 0) {
    const compiled = compile(program());
    template = { compiled, places: placesOf(compiled.image, id, short) };
  }
  templates.delete(key);
  templates.set(key, template);
  const oldest = templates.keys().next().value;
  if (templates.size > MAX_TEMPLATES && oldest !== void 0) templates.delete(oldest);
  const image2 = Buffer.from(template.compiled.image);
  for (const { at, length } of template.places) image2.write(id, at, length, "latin1");
  return { compiled: template.compiled, image: image2, program };
}
function placesOf(image2, id, short) {
  const bytes = Buffer.from(image2.buffer, image2.byteOffset, image2.length);
  const places = [];
  for (let at = bytes.indexOf(short); at !== -1; at = bytes.indexOf(short, at + short.length)) {
    const isWhole = bytes.toString("latin1", at, at + id.length) === id;
    places.push({ at, length: isWhole ? id.length : short.length });
    if (isWhole) at += id.length - short.length;
  }
  return places;
}

// sdk/engine/explain.ts
init_syscalls();
import { existsSync, readFileSync as readFileSync9 } from "node:fs";
function explainStart(error, attempt) {
  if (!(error instanceof SyscallError)) return error;
  if (error.purpose === COMMAND_PURPOSE) return explainCommand(error, attempt);
  if (error.purpose === "entering the working directory") {
    const message = `the working directory '${attempt.cwd}' of the process cannot be entered: ${error.code}`;
    return new CaissonError("WORKDIR_NOT_FOUND", message, { cause: error });
  }
  if (error.purpose === "mounting the root") return explainOverlay(error, attempt);
  return explainUserNamespace(error, attempt) ?? error;
}
function explainCommand(error, { args, cwd }) {
  const [name = ""] = args;
  if (error.code === "ENOENT" || error.code === "ENOTDIR") {
    const hint2 = name.includes("/") ? "it, the interpreter in its first line or its dynamic loader is not in the container" : "it is in no directory of the container's PATH";
    return new CaissonError("COMMAND_NOT_FOUND", `command '${name}' not found, in '${cwd}'`, {
      exitCode: 127,
      hint: hint2,
      cause: error
    });
  }
  const hints = {
    EACCES: "it is a directory, or not executable for this user",
    ENOEXEC: "it is no program of this architecture, and has no #! line",
    E2BIG: "its arguments and environment are too long"
  };
  const message = `command '${name}' cannot be executed: ${error.code}`;
  return new CaissonError("COMMAND_NOT_EXECUTABLE", message, { exitCode: 126, hint: hints[error.code], cause: error });
}
function explainOverlay(error, { spec }) {
  const where = spec.root.upper === "tmpfs" ? "memory" : `'${spec.root.path}'`;
  const message = `the layers could not be shown as one, with changes kept in ${where}: ${error.code}`;
  return new CaissonError("OVERLAY_REFUSED", message, {
    hint: "overlayfs keeps changes on a local file system with xattrs (ext4, xfs, btrfs, tmpfs), not on overlayfs or NFS: set CAISSON_ROOT or { upper: 'tmpfs' }; in a user namespace it needs Linux 5.11",
    cause: error
  });
}
var RESTRICTIONS = [
  ["/proc/sys/kernel/unprivileged_userns_clone", /^0/, "kernel.unprivileged_userns_clone=1"],
  ["/proc/sys/user/max_user_namespaces", /^0$/m, "user.max_user_namespaces=15000"],
  [
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    /^1/,
    'kernel.apparmor_restrict_unprivileged_userns=0 (or give node an AppArmor profile with "userns,")'
  ]
];
function explainUserNamespace(error, { spec }) {
  const isRootless = spec.linux.uidMappings.length > 0;
  const isRefusal = ["EPERM", "EACCES", "ENOSPC", "EUSERS"].includes(error.code);
  const isSetup = error.syscall === "clone3" || /^(opening|writing)\b.*\/proc\/self\//.test(error.purpose ?? "") || error.syscall === "mount";
  if (!isRootless || !isRefusal || !isSetup) return void 0;
  const found = RESTRICTIONS.find(([file, forbidden]) => forbidden.test(readSetting(file)));
  const hint2 = found === void 0 ? "a seccomp filter or LSM of an outer container may forbid them; Docker needs --security-opt seccomp=unconfined" : `set sysctl ${found[2]}, or run as root`;
  return new CaissonError("NO_USER_NAMESPACES", `this user may not make user namespaces: ${error.message}`, {
    hint: hint2,
    cause: error
  });
}
function readSetting(file) {
  return existsSync(file) ? readFileSync9(file, "utf8") : "";
}

// sdk/engine/stdio.ts
init_syscalls();

// sdk/engine/pipe.ts
init_syscalls();
function openPipe2(direction) {
  const ends = new Uint32Array(2);
  pipe2(new Uint8Array(ends.buffer), O_CLOEXEC);
  const [readEnd, writeEnd] = ends;
  const pair = direction === "in" ? { ours: writeEnd, theirs: readEnd } : { ours: readEnd, theirs: writeEnd };
  fcntl(pair.ours, F_SETFL, O_NONBLOCK);
  return pair;
}
function openDescriptorSocket() {
  const ends = new Uint32Array(2);
  socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, new Uint8Array(ends.buffer));
  const [ours, theirs] = ends;
  return { ours, theirs };
}

// sdk/engine/stdio.ts
var TERMINAL = "terminal socket";
function stdioOptions(options, stdin) {
  return {
    stdin: options.stdin ?? stdin,
    stdout: options.stdout ?? "pipe",
    stderr: options.stderr ?? "pipe",
    terminal: options.tty !== void 0 && options.tty !== false
  };
}
function wiringOf({ stdin, stdout, stderr, terminal }) {
  if (terminal) return { stdio: ["null", "null", "null"], extra: [variable(TERMINAL)] };
  const descriptor = (option, name, inherited) => {
    if (option === "ignore") return "null";
    return option === "inherit" ? inherited : variable(name);
  };
  return {
    stdio: [descriptor(stdin, "stdin", 0), descriptor(stdout, "stdout", 1), descriptor(stderr, "stderr", 2)],
    extra: ["null"]
  };
}
function openStdio(options) {
  const pairs2 = /* @__PURE__ */ new Map();
  try {
    openPairs(options, pairs2);
  } catch (error) {
    closePairs(pairs2, "both");
    throw error;
  }
  return {
    values: Object.fromEntries([...pairs2].map(([name, { theirs }]) => [name, theirs])),
    connect() {
      closePairs(pairs2, "theirs");
      const ours = (name) => pairs2.get(name)?.ours;
      return { stdin: ours("stdin"), stdout: ours("stdout"), stderr: ours("stderr"), terminal: ours(TERMINAL) };
    },
    abandon: () => closePairs(pairs2, "both")
  };
}
function openPairs({ stdin, stdout, stderr, terminal }, pairs2) {
  if (terminal) {
    pairs2.set(TERMINAL, openDescriptorSocket());
    return;
  }
  if (stdin === "pipe" || isInputSource(stdin)) pairs2.set("stdin", openPipe2("in"));
  if (stdout === "pipe") pairs2.set("stdout", openPipe2("out"));
  if (stderr === "pipe") pairs2.set("stderr", openPipe2("out"));
}
function closeEnds(ends) {
  for (const descriptor of Object.values(ends)) {
    if (descriptor !== void 0) close(descriptor);
  }
}
function closePairs(pairs2, which) {
  for (const { ours, theirs } of pairs2.values()) {
    close(theirs);
    if (which === "both") close(ours);
  }
}

// sdk/engine/start.ts
function decideContainer(image2, options, id, store, effect) {
  const { layers, views, mayChange } = image2.root(store, effect);
  const asked = options.user ?? image2.config.User ?? "";
  const user = resolveUser(asked === "" ? 0 : asked, rememberUserFiles(layers, mayChange));
  const spec = normalizeContainer(options, {
    id,
    facts: processFacts(),
    config: image2.config,
    user,
    mounts: (options.mounts ?? []).map(resolveMount),
    rootPath: containerPaths(store, id).path,
    layers,
    views
  });
  assertMapped(user, spec.linux.uidMappings, spec.linux.gidMappings);
  return spec;
}
function launchContainer(spec, id, options, stdin) {
  const stdio = stdioOptions(options, stdin);
  const plan = compileContainer(spec, wiringOf(stdio), id);
  const attempt = { args: spec.process.args, cwd: spec.process.cwd, spec };
  const open = openStdio(stdio);
  let launched;
  try {
    launched = launchInit(plan, open.values);
  } catch (error) {
    open.abandon();
    throw explainStart(error, attempt);
  }
  const ends = open.connect();
  return {
    child: launched.child,
    ends,
    args: spec.process.args,
    stdin: stdio.stdin,
    signal: options.signal,
    async started() {
      try {
        await launched.started();
      } catch (error) {
        closeEnds(ends);
        throw explainStart(error, attempt);
      }
    },
    failure() {
      const failure = launched.failure();
      return failure === void 0 ? void 0 : explainStart(failure, attempt);
    }
  };
}
async function joinContainer(spec, initPid, args, options, stdin) {
  const { signal } = options;
  signal?.throwIfAborted();
  const process2 = decideProcess(spec, initPid, args, options);
  const stdio = stdioOptions(options, stdin);
  const compiled = compile(planJoin(spec, process2, wiringOf(stdio)));
  const target = pidfd_open(initPid, 0);
  const open = openStdio(stdio);
  let ends;
  try {
    const starting = startJoined(compiled, { ...open.values, [TARGET.name]: target });
    ends = open.connect();
    return { child: await starting, ends, args, stdin: stdio.stdin, signal };
  } catch (error) {
    if (ends !== void 0) closeEnds(ends);
    throw explainStart(error, { args, cwd: process2.cwd, spec });
  } finally {
    close(target);
  }
}
function decideProcess(spec, initPid, args, options) {
  const { env, cwd, user, lastCapability } = spec.process;
  const resolved = options.user === void 0 ? void 0 : resolveUser(options.user, readUserFiles([`/proc/${initPid}/root`]));
  const others = resolved === void 0 ? env : [...env.filter((each) => !each.startsWith("HOME=")), `HOME=${resolved.home}`];
  const home = resolved?.home ?? "/";
  assertMapped(resolved ?? user, spec.linux.uidMappings, spec.linux.gidMappings);
  return normalizeProcess(options, { user: { ...resolved ?? user, home }, args, env: others, cwd, lastCapability });
}
function resolveMount(mount2, index) {
  if (mount2.type === "tmpfs") return { ...mount2, kind: "directory" };
  const source2 = resolve2(mount2.source);
  try {
    return { ...mount2, source: source2, kind: statSync5(source2).isDirectory() ? "directory" : "file" };
  } catch (cause) {
    if (!hasCode(cause, "ENOENT", "ENOTDIR", "EACCES", "ELOOP")) throw cause;
    const message = `mounts[${index}]: there is no '${source2}' on this machine to bind at '${mount2.target}'`;
    throw new CaissonError("BIND_SOURCE_NOT_FOUND", message, { cause });
  }
}
function assertMapped({ uid, gid }, uids, gids) {
  if (isMapped(uid, uids) && isMapped(gid, gids)) return;
  throw new CaissonError("USER_NOT_MAPPED", `user ${uid}:${gid} does not exist in a user namespace of one id`, {
    hint: "without root, a container has the one user 0"
  });
}

// sdk/engine/life.ts
var Life = class {
  createdAt = /* @__PURE__ */ new Date();
  startedAt = null;
  exitedAt = null;
  /** Everything decided about the container; null before its first start. */
  spec = null;
  state = "created";
  /** Its first process, from when its command runs. */
  init;
  #parts;
  #processes = /* @__PURE__ */ new Set();
  #child;
  #starting;
  #removing;
  /** @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE; then nothing is left */
  constructor(parts) {
    this.#parts = parts;
    createContainerDirectory(parts.store, parts.id, { name: parts.name, image: parts.image.name });
  }
  /** The first process's id on the host; null when the container does not run. */
  get pid() {
    return this.state === "running" ? this.init?.pid ?? null : null;
  }
  /** Launches the command for who wants only its result: whether it was started is seen when it has ended. */
  async run() {
    return this.#launch("ignore");
  }
  /** Starts the command; resolves when it runs. */
  async start() {
    if (this.#starting !== void 0) throw new CaissonError("ALREADY_RUNNING", `${this.#label} is started already`);
    this.#starting = this.#start();
    try {
      await this.#starting;
    } catch (error) {
      this.#starting = void 0;
      throw error;
    }
  }
  /** Waits for a start that is under way. @returns the first process, if there is or was one */
  async started() {
    await this.#starting;
    return this.init;
  }
  /** Starts another process in the running container. */
  async join(command, options, stdin) {
    await this.#starting;
    if (this.pid === null || this.spec === null) throw this.notRunning("entered");
    return joinContainer(this.spec, this.pid, command, options, stdin);
  }
  /** Makes a process of what was started: its output can be read as long as the container is there. */
  adopt(running) {
    const process2 = new Process(running);
    this.#processes.add(process2);
    const forget = () => {
      if (process2.isSettled) this.#processes.delete(process2);
    };
    process2.wait().then(forget, forget);
    return process2;
  }
  /** Sends a signal to the first process; with SIGKILL, waits for its end. */
  async kill(signal) {
    this.#child?.kill(signal);
    if (signal === "SIGKILL") await this.#child?.exited;
  }
  /** Ends what runs and removes what is on disk. Idempotent. */
  remove() {
    this.#removing ??= this.#remove();
    return this.#removing;
  }
  /** The error for what cannot be done in this state. */
  notRunning(done) {
    return new CaissonError("NOT_RUNNING", `${this.#label} cannot be ${done}: it is ${this.state}`);
  }
  get #label() {
    return `container ${inspect2(this.#parts.name)}`;
  }
  /** Decides and launches. From here on there is a process to end. */
  #launch(stdin) {
    if (this.#removing !== void 0) throw this.notRunning("started");
    const { id, image: image2, options, store } = this.#parts;
    options.signal?.throwIfAborted();
    this.spec = decideContainer(image2, options, id, store, "prepare");
    const launched = launchContainer(this.spec, id, options, stdin);
    this.#child = launched.child;
    return launched;
  }
  async #start() {
    const launched = this.#launch("pipe");
    const guard = endOnAbort(launched.child, launched.signal);
    try {
      await launched.started();
    } catch (error) {
      if (guard.hasEnded) throw launched.signal?.reason;
      throw error;
    } finally {
      guard.release();
    }
    this.init = this.adopt(launched);
    this.startedAt = /* @__PURE__ */ new Date();
    this.state = "running";
    this.#parts.listener.started();
    void launched.child.exited.then((status) => this.#exit(status));
  }
  async #exit(status) {
    this.state = "exited";
    this.exitedAt = /* @__PURE__ */ new Date();
    this.#starting = void 0;
    this.#parts.listener.exit(status);
    if (this.#parts.options.signal?.aborted === true) await this.remove();
  }
  async #remove() {
    this.#child?.kill("SIGKILL");
    await this.#starting?.catch(() => void 0);
    await this.#child?.exited;
    for (const process2 of this.#processes) process2.release();
    await removeContainerDirectory(this.#parts.store, this.#parts.id);
    this.state = "removed";
    this.#parts.listener.removed();
  }
};

// sdk/engine/result.ts
init_syscalls();

// sdk/engine/collect.ts
init_syscalls();
var CHUNK_BYTES3 = 65536;
var CHUNKS_PER_TURN = 16;
var scratch;
function collectPipe(descriptor, limit) {
  if (descriptor === void 0) return Promise.resolve(Buffer.alloc(0));
  scratch ??= Buffer.allocUnsafeSlow(CHUNK_BYTES3);
  const buffer = scratch;
  const kept = new Kept(limit);
  const readSome = () => {
    let count = CHUNK_BYTES3;
    for (let turn = 0; count === CHUNK_BYTES3 && turn < CHUNKS_PER_TURN; turn++) {
      count = read(descriptor, buffer, CHUNK_BYTES3);
      kept.add(buffer.subarray(0, count));
    }
    return count > 0;
  };
  return new Promise((resolve4, reject) => {
    const handle = watch(descriptor, { readable: true }, () => {
      try {
        if (readSome()) return;
        resolve4(kept.bytes());
      } catch (error) {
        if (hasCode(error, "EAGAIN", "EINTR")) return;
        reject(error);
      }
      handle.close();
      close(descriptor);
    });
  });
}
async function collectTerminal(socket2, limit) {
  const kept = new Kept(limit);
  for await (const chunk of openTerminal(socket2)) kept.add(chunk);
  return kept.bytes();
}
var Kept = class {
  #limit;
  #chunks = [];
  #length = 0;
  constructor(limit) {
    this.#limit = limit;
  }
  /** Keeps a copy of a chunk. */
  add(chunk) {
    const wasWithin = this.#length <= this.#limit.maxBytes;
    this.#length += chunk.length;
    if (this.#length <= this.#limit.maxBytes) this.#chunks.push(Buffer.from(chunk));
    else if (wasWithin) this.#limit.onOverflow();
  }
  bytes() {
    return Buffer.concat(this.#chunks);
  }
};

// sdk/engine/result.ts
var DEFAULT_MAX_OUTPUT_BYTES = 100 * 1024 * 1024;
async function collectResult(starting, { maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES, timeoutMs, encoding = "utf8" }) {
  const startedAt = performance.now();
  const { child, ends, args, stdin, signal, failure } = await starting;
  let isTooLong = false;
  let timedOut = false;
  const limit = {
    maxBytes: maxOutputBytes,
    onOverflow() {
      isTooLong = true;
      child.kill("SIGKILL");
    }
  };
  const expire = () => {
    timedOut = child.kill("SIGKILL");
  };
  const guard = endOnAbort(child, signal);
  const timer = timeoutMs === void 0 ? void 0 : setTimeout(expire, timeoutMs);
  const [stdout, stderr, status, fed] = await Promise.allSettled([
    ends.terminal === void 0 ? collectPipe(ends.stdout, limit) : collectTerminal(ends.terminal, limit),
    collectPipe(ends.stderr, limit),
    child.exited,
    isInputSource(stdin) && ends.stdin !== void 0 ? feedOrEnd(stdin, ends.stdin, child) : void 0
  ]);
  clearTimeout(timer);
  guard.release();
  const failed = failure?.();
  if (guard.hasEnded) throw signal?.reason;
  if (failed !== void 0) throw failed;
  if (isTooLong) {
    throw new CaissonError("OUTPUT_TOO_LONG", `${JSON.stringify(args)} wrote more than ${maxOutputBytes} bytes`, {
      hint: "raise maxOutputBytes, or read the streams of container.spawn()"
    });
  }
  for (const each of [fed, stdout, stderr, status]) if (each.status === "rejected") throw each.reason;
  const text = (bytes) => {
    const value = bytes.value;
    return encoding === "buffer" ? value : value.toString("utf8");
  };
  const { exitCode, signal: signalName2 } = status.value;
  const durationMs = performance.now() - startedAt;
  return { stdout: text(stdout), stderr: text(stderr), exitCode, signal: signalName2, timedOut, durationMs };
}
async function feedOrEnd(...[source2, descriptor, child]) {
  try {
    await feed(source2, descriptor);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

// sdk/engine/stop.ts
init_syscalls();
import { readdirSync as readdirSync5, readFileSync as readFileSync10 } from "node:fs";
import { constants as constants8 } from "node:os";
var DEFAULT_TIMEOUT_MS = 1e4;
async function stopProcess(process2, signal, timeoutMs = DEFAULT_TIMEOUT_MS) {
  if (!canReceive(process2.pid, signal)) process2.kill("SIGKILL");
  else process2.kill(signal);
  const timer = setTimeout(() => process2.kill("SIGKILL"), timeoutMs);
  try {
    return await process2.wait();
  } finally {
    clearTimeout(timer);
  }
}
function canReceive(pid, signal) {
  try {
    return readdirSync5(`/proc/${pid}/task`).some((thread) => {
      const status = readFileSync10(`/proc/${pid}/task/${thread}/status`, "utf8");
      const bit = 1n << BigInt(constants8.signals[signal] - 1);
      return ["SigCgt", "SigBlk"].some((set) => (signalSet2(status, set) & bit) !== 0n);
    });
  } catch (error) {
    if (hasCode(error, "ENOENT", "ESRCH")) return true;
    throw error;
  }
}
function signalSet2(status, name) {
  return BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0"}`);
}

// sdk/engine/sweep.ts
var swept = /* @__PURE__ */ new WeakMap();
async function sweepOnce(store) {
  let sweeping = swept.get(store);
  if (sweeping === void 0) {
    sweeping = sweepContainers(store);
    swept.set(store, sweeping);
  }
  await sweeping;
}

// sdk/spec/check.ts
import { constants as constants9 } from "node:os";
import { isAbsolute as isAbsolute2, normalize } from "node:path";
var isString = (value) => {
  if (typeof value !== "string") return "a string";
  return value.includes("\0") ? "a string without NUL characters" : void 0;
};
var isBoolean = (value) => typeof value === "boolean" ? void 0 : "a boolean";
var isStrings = (value) => {
  return Array.isArray(value) && value.every((item) => isString(item) === void 0) ? void 0 : "an array of strings without NUL characters";
};
var isTarget = (value) => {
  return isString(value) ?? (isAbsolute2(value) ? void 0 : "an absolute path in the container");
};
var isMountTarget = (value) => {
  return isTarget(value) ?? (normalize(`${value}/`) === "/" ? "an absolute path below / in the container" : void 0);
};
var isSource = (value) => value === "" ? "a path of this machine" : isString(value);
var isPositiveInteger = (value) => {
  return Number.isSafeInteger(value) && value > 0 ? void 0 : "a positive integer";
};
var isOneOf2 = (...values) => {
  const expected = values.map((value) => `'${value}'`).join(" or ");
  return (value) => values.includes(value) ? void 0 : expected;
};
var isObject = (value) => {
  return typeof value === "object" && value !== null && !Array.isArray(value);
};
var PROCESS_CHECKS = {
  env: (value) => {
    const isVariable = ([name, text]) => {
      return name !== "" && !/[=\0]/.test(name) && (text === void 0 || isString(text) === void 0);
    };
    const isValid = isObject(value) && Object.entries(value).every(isVariable);
    return isValid ? void 0 : "an object of strings without NUL characters, with names without =";
  },
  user: (value) => {
    if (typeof value === "string") return value === "" ? "a user" : isString(value);
    const isId = Number.isSafeInteger(value) && value >= 0 && value < 4294967295;
    return isId ? void 0 : "a name, an id below 4294967295, uid:gid or name:group";
  },
  workdir: isTarget,
  tty: (value) => {
    if (typeof value === "boolean") return void 0;
    const isSize = (size) => Number.isInteger(size) && size >= 0 && size <= 65535;
    return isObject(value) && isSize(value.columns) && isSize(value.rows) ? void 0 : "a boolean or { columns, rows } from 0 to 65535";
  },
  stdin: (value) => {
    const isStream = typeof value === "object" && value !== null && Symbol.asyncIterator in value;
    const isInput = typeof value === "string" || value instanceof Uint8Array || isStream;
    return isInput ? void 0 : "'pipe', 'ignore', 'inherit', a string, bytes, a stream or an async iterable";
  },
  stdout: isOneOf2("pipe", "ignore", "inherit"),
  stderr: isOneOf2("pipe", "ignore", "inherit"),
  signal: (value) => value instanceof AbortSignal ? void 0 : "an AbortSignal"
};
var CONTAINER_CHECKS = {
  ...PROCESS_CHECKS,
  command: isStrings,
  entrypoint: isStrings,
  name: (value) => {
    const isName = typeof value === "string" && /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(value);
    return isName ? void 0 : "letters, digits, _ . - and a letter or digit first";
  },
  hostname: (value) => {
    return isString(value) ?? (Buffer.byteLength(value) <= 64 ? void 0 : "at most 64 bytes");
  },
  mounts: (value) => Array.isArray(value) ? void 0 : "an array of mounts",
  init: isBoolean,
  network: isOneOf2("none", "host"),
  readOnly: isBoolean,
  upper: isOneOf2("disk", "tmpfs"),
  stopSignal: (value) => {
    return typeof value === "string" && value in constants9.signals ? void 0 : "the name of a signal, as 'SIGTERM'";
  }
};
var COLLECT_CHECKS = {
  encoding: isOneOf2("utf8", "buffer"),
  maxOutputBytes: isPositiveInteger,
  timeoutMs: (value) => {
    return isPositiveInteger(value) === void 0 && value <= 2147483647 ? void 0 : "an integer from 1 to 2147483647";
  }
};
var MOUNT_CHECKS = {
  bind: { type: isString, source: isSource, target: isMountTarget, readOnly: isBoolean },
  tmpfs: {
    type: isString,
    target: isMountTarget,
    sizeBytes: isPositiveInteger,
    mode: (value) => {
      return Number.isInteger(value) && value >= 0 && value <= 4095 ? void 0 : "permissions from 0 to 0o7777";
    },
    readOnly: isBoolean
  }
};
var REQUIRED = ["source", "target"];
function checkContainerOptions(options) {
  checkAll("option", options, CONTAINER_CHECKS);
  checkTerminal(options);
  checkMounts(options);
}
function checkProcessOptions(options) {
  checkAll("option", options, PROCESS_CHECKS);
  checkTerminal(options);
}
function checkCollectOptions(options) {
  checkAll("option", options, COLLECT_CHECKS);
}
function splitCollectOptions(options) {
  const { encoding, maxOutputBytes, timeoutMs, ...rest } = options;
  return { collect: { encoding, maxOutputBytes, timeoutMs }, rest };
}
function checkImage(image2) {
  if (isObject(image2) && typeof image2.root === "function") return;
  throw new TypeError(`image must be an Image, as Image.host() gives, got ${describe(image2)}`);
}
function checkCommand(command) {
  const expected = isStrings(command) ?? (command.length > 0 ? void 0 : "at least one string");
  if (expected !== void 0) throw new TypeError(`command must be ${expected}, got ${describe(command)}`);
}
function checkTerminal({ tty, ...options }) {
  if (tty === void 0 || tty === false) return;
  for (const name of ["stdin", "stdout", "stderr"]) {
    if (options[name] === void 0 || options[name] === "pipe") continue;
    throw new TypeError(`option '${name}' must be 'pipe' with a tty, got ${describe(options[name])}`);
  }
}
function checkMounts({ mounts = [] }) {
  mounts.forEach((mount2, index) => {
    const checks = isObject(mount2) ? own3(MOUNT_CHECKS, String(mount2.type)) : void 0;
    if (checks === void 0 || !isObject(mount2)) {
      throw new TypeError(`mounts[${index}] must have a type of 'bind' or 'tmpfs', got ${describe(mount2)}`);
    }
    for (const name of REQUIRED) {
      if (name in checks && mount2[name] === void 0) {
        throw new TypeError(`mounts[${index}] of type '${mount2.type}' must have a ${name}, got ${describe(mount2)}`);
      }
    }
    checkAll(`mounts[${index}].`, mount2, checks);
  });
}
function checkAll(what, options, checks) {
  if (!isObject(options)) throw new TypeError(`options must be an object, got ${describe(options)}`);
  const label2 = (name) => what === "option" ? `option '${name}'` : `${what}${name}`;
  for (const [name, value] of Object.entries(options)) {
    const check = own3(checks, name);
    if (check === void 0) {
      throw new TypeError(`unknown ${label2(name)}; there are ${Object.keys(checks).join(", ")}`);
    }
    if (value === void 0) continue;
    const expected = check(value);
    if (expected !== void 0) throw new TypeError(`${label2(name)} must be ${expected}, got ${describe(value)}`);
  }
}
function own3(object, name) {
  return Object.hasOwn(object, name) ? object[name] : void 0;
}
function describe(value) {
  if (typeof value === "function") return "a function";
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

// sdk/container.ts
var Container = class _Container extends import_index.default {
  id;
  name;
  image;
  #options;
  #life;
  constructor(image2, options, store) {
    super();
    this.id = newId();
    this.name = options.name ?? this.id.slice(0, SHORT_ID_LENGTH);
    this.image = image2;
    this.#options = copyOptions(options);
    this.#life = new Life({
      id: this.id,
      name: this.name,
      image: image2,
      options: this.#options,
      store,
      listener: {
        started: () => this.emit("started"),
        exit: (status) => this.emit("exit", status),
        removed: () => this.emit("removed")
      }
    });
  }
  static async run(image2, command, options = {}) {
    checkCommand(command);
    const { collect, rest } = splitCollectOptions(options);
    checkCollectOptions(collect);
    const container = await _Container.create(image2, { ...rest, command });
    try {
      return await collectResult(container.#life.run(), collect);
    } finally {
      await container.remove();
    }
  }
  /**
   * Makes a container, and starts nothing yet.
   *
   * @throws TypeError for an option that cannot be meant
   * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE; then nothing is left
   */
  static async create(image2, options = {}) {
    checkImage(image2);
    checkContainerOptions(options);
    options.signal?.throwIfAborted();
    const store = openStore();
    await sweepOnce(store);
    const container = new _Container(image2, options, store);
    process.nextTick(() => container.emit("created"));
    return container;
  }
  /**
   * Makes a container and starts its command; resolves when that runs.
   *
   * @throws CaissonError NO_USER_NAMESPACES, COMMAND_NOT_FOUND, BIND_SOURCE_NOT_FOUND, USER_NOT_FOUND …
   * @throws SyscallError for a step of the plan that the kernel refused for another reason; then nothing is left
   */
  static async start(image2, options = {}) {
    const container = await _Container.create(image2, options);
    try {
      await container.start();
      return container;
    } catch (error) {
      await container.remove();
      throw error;
    }
  }
  /**
   * Every system call that would make a container, in order, before anything happens.
   * @example console.log(Container.plan(Image.host(), { command: ['true'] }).toString())
   */
  static plan(image2, options = {}) {
    checkImage(image2);
    checkContainerOptions(options);
    const id = "0".repeat(64);
    const spec = decideContainer(image2, options, id, describeStore(), "describe");
    return planContainer(spec, wiringOf(stdioOptions(options, "pipe")));
  }
  /**
   * Starts the container's command; resolves when it runs. A container that has exited can be started again, with
   * the files it has left.
   * @throws as {@link Container.start}
   */
  start() {
    return this.#life.start();
  }
  get state() {
    return this.#life.state;
  }
  /** The id of its first process on the host; null when it does not run. */
  get pid() {
    return this.#life.pid;
  }
  /**
   * What its first process reads.
   * @throws CaissonError NOT_RUNNING before its first start, NO_STREAM unless `stdin` was `'pipe'`, as it is by default
   */
  get stdin() {
    return this.#init.stdin;
  }
  /**
   * What its first process writes; with a terminal, all of it.
   * @throws as `stdin`
   */
  get stdout() {
    return this.#init.stdout;
  }
  /**
   * What its first process complains.
   * @throws as `stdin`
   */
  get stderr() {
    return this.#init.stderr;
  }
  /** The exit code of its first process, once that has ended by itself. */
  get exitCode() {
    return this.#life.init?.exitCode ?? null;
  }
  async exec(command, options = {}) {
    const { collect, rest } = splitCollectOptions(options);
    checkCollectOptions(collect);
    return collectResult(this.#join(command, rest, "ignore"), collect);
  }
  /**
   * Starts a process in the running container; resolves when its command runs.
   * @throws as {@link Container.exec}
   * @example const shell = await container.spawn(['sh'], { tty: true })
   */
  async spawn(command, options = {}) {
    return this.#life.adopt(await this.#join(command, options, "pipe"));
  }
  /**
   * Ends the container with grace: its stop signal, then SIGKILL. Does nothing when it does not run.
   * @returns how it ended
   */
  async stop({ timeoutMs, signal } = {}) {
    const init = await this.#life.started().catch(() => void 0);
    return init === void 0 ? null : stopProcess(init, signal ?? this.#stopSignal(), timeoutMs);
  }
  /**
   * Sends a signal to its first process, and waits for the end when the signal is SIGKILL.
   * @param signal @default 'SIGKILL'
   */
  kill(signal = "SIGKILL") {
    return this.#life.kill(signal);
  }
  /**
   * Waits until its first process has ended. Its output may still be in the streams.
   * @throws CaissonError NOT_RUNNING when it has never been started
   */
  async wait() {
    const init = await this.#life.started();
    if (init === void 0) throw this.#life.notRunning("waited for");
    return init.wait();
  }
  /** Tells its first process the size of its terminal. */
  resize(size) {
    this.#life.init?.resize(size);
  }
  /** Ends the container with SIGKILL and removes all of it. Idempotent. */
  remove() {
    return this.#life.remove();
  }
  /** What is known about it. */
  inspect() {
    const { state, createdAt, startedAt, exitedAt, spec } = this.#life;
    return {
      id: this.id,
      name: this.name,
      image: this.image.name,
      state,
      pid: this.pid,
      exitCode: this.exitCode,
      signal: this.#life.init?.signalCode ?? null,
      createdAt,
      startedAt,
      exitedAt,
      spec
    };
  }
  [inspect3.custom]() {
    const state = this.state === "exited" ? `exited ${this.exitCode ?? this.#life.init?.signalCode}` : this.state;
    return `Container(${this.name} ${this.image.name} ${state}${this.pid === null ? "" : ` pid ${this.pid}`})`;
  }
  /** Stops and removes it, as `await using` does at the end of its block. */
  async [Symbol.asyncDispose]() {
    if (this.state === "running") await this.stop().catch(() => void 0);
    await this.remove();
  }
  async #join(command, options, stdin) {
    checkCommand(command);
    checkProcessOptions(options);
    const running = await this.#life.join(command, options, stdin);
    this.emit("exec", { pid: running.child.pid, args: running.args });
    return running;
  }
  get #init() {
    if (this.#life.init === void 0) throw this.#life.notRunning("read or written");
    return this.#life.init;
  }
  #stopSignal() {
    return this.#options.stopSignal ?? (this.image.config.StopSignal ?? "SIGTERM");
  }
};
function newId() {
  return `${randomUUID()}${randomUUID()}`.replaceAll("-", "");
}
function copyOptions(options) {
  const { env, command, entrypoint, mounts } = options;
  return {
    ...options,
    ...env && { env: { ...env } },
    ...command && { command: [...command] },
    ...entrypoint && { entrypoint: [...entrypoint] },
    ...mounts && { mounts: mounts.map((mount2) => ({ ...mount2 })) }
  };
}

// sdk/image.ts
import { statSync as statSync8 } from "node:fs";
import { resolve as resolve3 } from "node:path";
import { inspect as inspect4 } from "node:util";
init_syscalls();

// sdk/host/facts.ts
init_syscalls();
import { lstatSync as lstatSync4, readdirSync as readdirSync6, readFileSync as readFileSync11, readlinkSync, statSync as statSync6 } from "node:fs";

// sdk/host/etc.ts
var COPIED_NAMES = [
  // The dynamic loader, and the links behind /usr/bin/awk, /usr/bin/java…
  ...["ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives"],
  // Certificate authorities. Never ssl/private, pki/tls/private.
  ...["ssl/certs", "ssl/cert.pem", "ssl/openssl.cnf", "ca-certificates.conf", "ca-certificates/extracted"],
  ...["pki/ca-trust/extracted", "pki/tls/certs", "pki/tls/cert.pem", "pki/tls/openssl.cnf", "crypto-policies"],
  // Time, language, terminals, fonts.
  ...["localtime", "timezone", "locale.alias", "terminfo", "inputrc", "fonts"],
  // Numbers and names that standards give.
  ...["services", "protocols", "rpc", "ethertypes", "netconfig", "mime.types", "magic", "magic.mime"],
  // Which system this is.
  ...[
    "os-release",
    "lsb-release",
    "debian_version",
    "alpine-release",
    "redhat-release",
    "system-release",
    "arch-release"
  ],
  // Shells.
  ...["shells", "profile", "bash.bashrc", "bashrc", "login.defs"],
  // Interpreters that read their configuration before the first line of a program.
  "perl"
];
var COPIED_PATTERNS = [
  /^python3(\.\d+)?$/,
  /^java(-\d+-openjdk)?$/,
  /^ld-musl-[\w-]+\.path$/
];
var WATCHED_PATHS = [
  "/var/lib/dpkg/status",
  "/var/lib/rpm/rpmdb.sqlite",
  "/usr/lib/sysimage/rpm/rpmdb.sqlite",
  "/lib/apk/db/installed",
  "/var/lib/pacman/local",
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/ssl/certs/java/cacerts"
];
function syntheticEtc(shell) {
  return {
    passwd: lines2(
      `root:x:0:0:root:/root:${shell}`,
      "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
      "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin"
    ),
    group: lines2("root:x:0:", "daemon:x:1:", "tty:x:5:", "nogroup:x:65534:"),
    hosts: lines2("127.0.0.1	localhost", "::1	localhost ip6-localhost ip6-loopback"),
    "host.conf": lines2("multi on"),
    "nsswitch.conf": lines2(
      ...["passwd", "group", "networks", "protocols", "services", "ethers", "rpc"].map((name) => `${name}: files`),
      "hosts: files dns"
    ),
    // Empty, so that the network of a container has a file to mount its own over.
    "resolv.conf": ""
  };
}
function looksLikeKey(name, content) {
  return /\.(key|p12|pfx)$/i.test(name) || content.includes("PRIVATE KEY-----");
}
function isManualPage(name) {
  return /\.[0-9][a-z]*\.(gz|bz2|xz|zst)$/.test(name);
}
function lines2(...text) {
  return text.map((line) => `${line}
`).join("");
}

// sdk/host/facts.ts
var PROGRAM_PATHS = [
  ...["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"],
  ...["/nix/store", "/gnu/store"]
];
function readHostFacts(host = "") {
  const present2 = readdirSync6(`${host}/etc`);
  const versioned = present2.filter((name) => COPIED_PATTERNS.some((pattern) => pattern.test(name))).sort();
  const first = new Set(present2);
  const named = COPIED_NAMES.filter((name) => first.has(name.split("/", 1)[0] ?? name));
  const bash = statSync6(`${host}/bin/bash`, { throwIfNoEntry: false });
  return {
    programs: entriesOf(host, PROGRAM_PATHS),
    etc: entriesOf(
      host,
      [...named, ...versioned].map((name) => `/etc/${name}`)
    ),
    watched: entriesOf(host, WATCHED_PATHS),
    shell: bash === void 0 ? "/bin/sh" : "/bin/bash",
    bootId: readBootId()
  };
}
function readBootId() {
  try {
    return readFileSync11("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch (error) {
    if (hasCode(error, "ENOENT", "EACCES")) return "";
    throw error;
  }
}
function entriesOf(host, paths) {
  return paths.map((path) => entryOf(host, path)).filter((entry) => entry !== void 0);
}
function entryOf(host, path) {
  const stat = lstatSync4(host + path, { throwIfNoEntry: false });
  if (stat === void 0) return void 0;
  const stamp = `${stat.mtimeMs} ${stat.size} ${stat.mode}`;
  if (stat.isSymbolicLink()) return { path, kind: "symlink", target: readlinkSync(host + path), stamp };
  if (stat.isDirectory()) return { path, kind: "directory", stamp };
  return stat.isFile() ? { path, kind: "file", stamp } : void 0;
}

// sdk/host/skeleton.ts
init_syscalls();
import { chmodSync as chmodSync5, existsSync as existsSync2, mkdirSync as mkdirSync7, mkdtempSync, readdirSync as readdirSync8, renameSync as renameSync3, rmSync, statSync as statSync7 } from "node:fs";
import { basename as basename2, join as join7 } from "node:path";

// sdk/host/source.ts
init_syscalls();
import { createHash as createHash2 } from "node:crypto";
import { dirname as dirname2 } from "node:path";
var FORMAT = 1;
var DIRECTORIES = [
  ...["/dev", "/etc", "/home", "/mnt", "/opt", "/proc", "/run", "/srv", "/sys"].map((path) => [path, 493]),
  ["/root", 448],
  ["/tmp", 1023],
  ["/usr", 493],
  ...["/var", "/var/cache", "/var/lib", "/var/log"].map((path) => [path, 493]),
  ["/var/tmp", 1023]
];
function hostImageSource(facts2) {
  const views = facts2.programs.filter(({ kind }) => kind === "directory").map(({ path }) => ({ source: path, target: path }));
  if (views.length === 0) {
    throw new CaissonError("NO_HOST_PROGRAMS", "this machine has no /usr to make an image of", {
      hint: "import an image, or give a directory with Image.directory()"
    });
  }
  const nodes = nodesOf(facts2, views);
  const stamps = [...facts2.etc, ...facts2.watched].map(({ path, stamp }) => [path, stamp]);
  const hash = createHash2("sha256").update(JSON.stringify([FORMAT, nodes, views, stamps]));
  return { fingerprint: hash.digest("hex").slice(0, 32), bootId: facts2.bootId, nodes, views };
}
function nodesOf(facts2, views) {
  const directories = new Map(DIRECTORIES);
  const addDirectory = (path) => {
    if (path === "/" || directories.has(path)) return;
    addDirectory(dirname2(path));
    directories.set(path, 493);
  };
  for (const { target } of views) addDirectory(target);
  for (const { path } of facts2.etc) addDirectory(dirname2(path));
  const links = facts2.programs.flatMap(({ path, target }) => target === void 0 ? [] : [{ path, target }]);
  links.push({ path: "/etc/mtab", target: "/proc/self/mounts" }, { path: "/var/run", target: "/run" });
  const files = Object.entries(syntheticEtc(facts2.shell));
  return [
    ...[...directories].map(([path, mode]) => ({ kind: "directory", path, mode })),
    ...links.map((link) => ({ kind: "symlink", ...link })),
    ...files.map(([name, content]) => ({ kind: "file", path: `/etc/${name}`, content })),
    ...facts2.etc.map(({ path }) => ({ kind: "copy", path }))
  ];
}

// sdk/host/write.ts
init_syscalls();
import {
  chmodSync as chmodSync4,
  lstatSync as lstatSync5,
  mkdirSync as mkdirSync6,
  readdirSync as readdirSync7,
  readFileSync as readFileSync12,
  readlinkSync as readlinkSync2,
  symlinkSync,
  writeFileSync as writeFileSync5
} from "node:fs";
import { basename, join as join6 } from "node:path";
function writeSkeleton(nodes, into, host = "") {
  for (const node of nodes) {
    const path = join6(into, node.path);
    if (node.kind === "directory") makeDirectory2(path, node.mode);
    else if (node.kind === "symlink") symlinkSync(node.target, path);
    else if (node.kind === "file") writeFile2(path, node.content, 420);
    else copyPublic(host + node.path, path);
  }
}
function copyPublic(from, to) {
  const stat = lstatSync5(from, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) symlinkSync(readlinkSync2(from), to);
  else if (stat?.isDirectory() && (stat.mode & 5) === 5) {
    makeDirectory2(to, 493);
    const names2 = readdirSync7(from).filter((name) => !isManualPage(name));
    for (const name of names2) copyPublic(join6(from, name), join6(to, name));
  } else if (stat?.isFile() && (stat.mode & 4) === 4) {
    const content = readPublic(from);
    if (content !== void 0 && !looksLikeKey(basename(from), content)) writeFile2(to, content, stat.mode & 493);
  }
}
function readPublic(path) {
  try {
    return readFileSync12(path);
  } catch (error) {
    if (hasCode(error, "EACCES", "EPERM", "ENOENT")) return void 0;
    throw error;
  }
}
function makeDirectory2(path, mode) {
  mkdirSync6(path);
  chmodSync4(path, mode);
}
function writeFile2(path, content, mode) {
  writeFileSync5(path, content);
  chmodSync4(path, mode);
}

// sdk/host/skeleton.ts
var UNFINISHED = ".unfinished-";
var ABANDONED_AFTER_MS = 60 * 60 * 1e3;
var source;
function prepareHostSkeleton(directory) {
  const skeleton = describeHostSkeleton(directory);
  if (!existsSync2(skeleton.lower)) buildSkeleton(hostSource(), directory, skeleton.lower);
  return skeleton;
}
function describeHostSkeleton(directory) {
  const { fingerprint, bootId, views } = hostSource();
  return { lower: join7(directory, `${fingerprint}-${bootId.slice(0, 8)}`), views, fingerprint };
}
function hostSource() {
  source ??= hostImageSource(readHostFacts());
  return source;
}
function buildSkeleton({ nodes, fingerprint }, directory, lower) {
  mkdirSync7(directory, { recursive: true, mode: 448 });
  removeUnused(directory, fingerprint, basename2(lower));
  const unfinished = mkdtempSync(join7(directory, UNFINISHED));
  try {
    writeSkeleton(nodes, unfinished);
    chmodSync5(unfinished, 493);
    renameSync3(unfinished, lower);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!hasCode(error, "ENOTEMPTY", "EEXIST")) throw error;
  }
}
function removeUnused(directory, fingerprint, current) {
  for (const name of readdirSync8(directory)) {
    const path = join7(directory, name);
    const isEarlier = name.startsWith(fingerprint) && name !== current;
    if (isEarlier || name.startsWith(UNFINISHED) && isAbandoned2(path)) rmSync(path, { recursive: true, force: true });
  }
}
function isAbandoned2(path) {
  const stat = statSync7(path, { throwIfNoEntry: false });
  return stat !== void 0 && Date.now() - stat.mtimeMs > ABANDONED_AFTER_MS;
}

// sdk/image.ts
var Image = class _Image {
  /** What to call it: its first reference, its path, or `host`. */
  name;
  /** What containers of it run by default, in the image's own words. */
  config;
  /** What could not be kept when it was loaded without root: owners and devices, as sentences. */
  notes;
  #root;
  constructor(name, config, root2, notes = []) {
    this.name = name;
    this.config = config;
    this.notes = notes;
    this.#root = root2;
  }
  /**
   * This machine's programs, with nothing of its data: /usr (and /bin, /lib … where they are separate) as they are,
   * a small /etc of our own, and empty directories for the rest. Needs no download. What a container changes stays
   * with it.
   */
  static host() {
    return new _Image("host", { Cmd: ["/bin/sh"] }, ({ host }, effect) => {
      const { lower, views } = effect === "prepare" ? prepareHostSkeleton(host) : describeHostSkeleton(host);
      return { layers: [lower], views, mayChange: false };
    });
  }
  /**
   * A root file system in a directory. It is not copied, and never written to.
   *
   * @throws CaissonError IMAGE_NOT_FOUND when there is nothing, NOT_A_DIRECTORY when there is something else
   */
  static directory(path) {
    if (typeof path !== "string") throw new TypeError(`path must be a string, got ${inspect4(path)}`);
    const absolute = resolve3(path);
    assertDirectory(absolute);
    return new _Image(absolute, {}, () => {
      assertDirectory(absolute);
      return { layers: [absolute], views: [], mayChange: true };
    });
  }
  /**
   * Imports an image into the store: from an OCI image layout (a directory or an archive) or from the archive that
   * `docker save` writes.
   *
   * @throws CaissonError with the store's codes: IMAGE_NOT_FOUND, PLATFORM_NOT_FOUND, DIGEST_MISMATCH …
   */
  static async load(path, options = {}) {
    const loaded = await loadImage(openStore(), path, options);
    return _Image.#stored(loaded, loaded.notes);
  }
  /**
   * An image of the store, by its name as Docker reads names, or by its digest.
   * @throws CaissonError IMAGE_NOT_FOUND, with the names there are
   */
  static async get(reference) {
    return _Image.#stored(findImage(openStore(), reference));
  }
  static #stored(stored, notes = []) {
    const { layers, config, digest, references } = stored;
    const image2 = new _Image(references[0] ?? digest, config, () => ({ layers, views: [], mayChange: false }), notes);
    return Object.assign(image2, { digest });
  }
  /**
   * The directories that a container's root is put together from.
   * @param effect whether those that are made on demand are made, or only named
   * @internal
   */
  root(store, effect) {
    return this.#root(store, effect);
  }
  [inspect4.custom]() {
    return `Image(${this.name}${this.digest === void 0 || this.digest === this.name ? "" : `@${this.digest}`})`;
  }
};
function assertDirectory(path) {
  let isDirectory;
  try {
    isDirectory = statSync8(path).isDirectory();
  } catch (cause) {
    if (!hasCode(cause, "ENOENT", "ENOTDIR", "ELOOP")) throw cause;
    throw new CaissonError("IMAGE_NOT_FOUND", `there is no directory '${path}' to make an image of`, { cause });
  }
  if (!isDirectory) {
    throw new CaissonError("NOT_A_DIRECTORY", `'${path}' is not a directory, so it cannot be a root file system`, {
      hint: "archives are imported with Image.load()"
    });
  }
}

// ../../tmp/prof.ts
var image = Image.directory("/tmp/bbroot");
var N = Number(process.argv[2] ?? 300);
for (let i = 0; i < 30; i++) await Container.run(image, ["true"], { upper: process.env.UPPER ?? "disk" });
var times = [];
for (let i = 0; i < N; i++) {
  const t = performance.now();
  await Container.run(image, ["true"], { upper: process.env.UPPER ?? "disk", network: process.env.NET ?? "none" });
  times.push(performance.now() - t);
}
times.sort((a, b) => a - b);
console.log("median", times[N / 2 | 0].toFixed(3), "p10", times[N / 10 | 0].toFixed(3), "p90", times[N * 0.9 | 0].toFixed(3));
