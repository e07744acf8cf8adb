/**
 * What an agent does once it is where it belongs: the system calls that its owner sends, one after the other.
 *
 *     owner ──[operation, six arguments, length][bytes]──▶ agent: the call
 *       ◀──────[result][what the kernel wrote]────────────┘
 *
 * The owner sends any number of requests ahead and reads the results in their order. What is opened stays in the agent,
 * at a number that the owner chose: so a request can use what an earlier one, unanswered yet, has opened.
 */
import {
  add,
  addressOf,
  close,
  connect,
  dup3,
  encodeRights,
  equal,
  exit_group,
  faccessat2,
  fchmod,
  fchmodat,
  fchownat,
  fgetxattr,
  flistxattr,
  fremovexattr,
  fsetxattr,
  ftruncate,
  getdents64,
  IOVEC,
  jump,
  type Label,
  label,
  linkat,
  lsetxattr,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MSG_WAITALL,
  MSGHDR,
  mkdirat,
  mknodat,
  mmap,
  O_CLOEXEC,
  openat2,
  PROT_READ,
  PROT_WRITE,
  REPORT_DESCRIPTOR,
  readlinkat,
  recvfrom,
  recvmsg,
  renameat2,
  rightsLength,
  type Step,
  type Syscall,
  sendmsg,
  socket,
  symlinkat,
  unlinkat,
  utimensat,
  type Variable,
  variable,
  write,
} from '../../syscalls/index.ts';
import { FIRST_EXTRA_DESCRIPTOR } from './launch.ts';

/** The agent's end of the socket; what it enters comes behind. */
export const AGENT_DESCRIPTOR = FIRST_EXTRA_DESCRIPTOR;

/** The number of a descriptor while it is sent: the message is written beforehand. */
const SENT_DESCRIPTOR = 16;

/** The numbers that an owner may give to what it opens. The kernel's own choices, the lowest free, stay below. */
export const AGENT_SLOTS = { first: 32, last: 255 } as const;

/** Where in the agent's memory the bytes of a request are placed. */
export const REQUEST_ADDRESS = 0x2000_0000;

/** Room for two paths and the longest extended attribute. */
export const REQUEST_BYTES = 0x2_0000;

/** Where calls write what the owner is to have. */
export const REPLY_ADDRESS = REQUEST_ADDRESS + REQUEST_BYTES;

/** Room for the longest extended attribute. */
export const REPLY_BYTES = 0x1_0000;

/** A request without its bytes: eight words. */
export const REQUEST_HEADER_SIZE = 64;

/** A call that agents make. Its pointers are addresses in the agent. */
export interface AgentCall {
  // biome-ignore lint/suspicious/noExplicitAny: calls of any arguments
  readonly call: Syscall<any>;
  /** The argument that the kernel writes to; the result says how many bytes. */
  readonly writes?: number;
}

/** The calls of an agent; the place of one among them is its number in requests. */
export const AGENT_CALLS: readonly AgentCall[] = [
  { call: close },
  { call: mkdirat },
  { call: mknodat },
  { call: symlinkat },
  { call: linkat },
  { call: unlinkat },
  { call: renameat2 },
  { call: fchmod },
  { call: fchmodat },
  { call: fchownat },
  { call: utimensat },
  { call: ftruncate },
  { call: faccessat2 },
  { call: fsetxattr },
  { call: fremovexattr },
  { call: lsetxattr },
  { call: readlinkat, writes: 2 },
  { call: getdents64, writes: 1 },
  { call: fgetxattr, writes: 2 },
  { call: flistxattr, writes: 1 },
  { call: connect },
];

/** openat2(2), with a fifth argument: the slot for what is opened. What was there is closed, also when this fails. */
export const OPEN_OPERATION = AGENT_CALLS.length;

/** Sends the descriptor in its first argument along with the result. */
export const SEND_OPERATION = OPEN_OPERATION + 1;

/** socket(2), with a fourth argument: the slot, as for {@link OPEN_OPERATION}. */
export const SOCKET_OPERATION = SEND_OPERATION + 1;

interface Cells {
  readonly operation: Variable;
  readonly args: readonly [Variable, Variable, Variable, Variable, Variable, Variable];
  readonly length: Variable;
  readonly result: Variable;
}

/** Serves until the socket ends. The report pipe's end tells the owner that it begins. */
export function serveRequests(): Step[] {
  const [a0, a1, a2, a3, a4, a5] = [0, 1, 2, 3, 4, 5].map((index) =>
    variable(`argument ${index}`),
  ) as never as Cells['args'];
  const cells: Cells = {
    operation: variable('operation'),
    args: [a0, a1, a2, a3, a4, a5],
    length: variable('length'),
    result: variable('result'),
  };
  const room = [REQUEST_BYTES + REPLY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED] as const;
  return [
    mmap.step('making room for requests', [BigInt(REQUEST_ADDRESS), ...room, -1, 0]),
    close.step('letting go of what was entered', [AGENT_DESCRIPTOR + 1], { onError: 'next' }),
    close.step('telling that it is ready', [REPORT_DESCRIPTOR]),
    ...receive(cells),
    ...AGENT_CALLS.map((_, index) => equal(cells.operation, index, { next: `call ${index}` })),
    equal(cells.operation, OPEN_OPERATION, { next: 'open' }),
    equal(cells.operation, SEND_OPERATION, { next: 'send' }),
    equal(cells.operation, SOCKET_OPERATION, { next: 'socket', otherwise: 'end' }),
    ...AGENT_CALLS.flatMap((each, index) => perform(each, index, cells)),
    ...open(cells),
    ...makeSocket(cells),
    ...send(cells),
    answer('answer', cells),
    jump('next request'),
    exit_group.step('ending with its owner', [0], { label: 'end' }),
  ];
}

/** All that goes wrong with the socket means that the owner is gone. */
function receive({ operation, args, length }: Cells): Step[] {
  const received = variable('received');
  const words = [operation, ...args, length].map((cell) => ({ iov_base: addressOf(cell), iov_len: 8 }));
  const header = MSGHDR.encode({ msg_iov: IOVEC.array(words), msg_iovlen: words.length });
  return [
    recvmsg.step('waiting for a request', [AGENT_DESCRIPTOR, header, MSG_WAITALL], {
      label: 'next request',
      into: received,
      onError: 'end',
    }),
    equal(received, REQUEST_HEADER_SIZE, { otherwise: 'end' }),
    equal(length, 0, { next: 'dispatch' }),
    recvfrom.step('receiving its bytes', [AGENT_DESCRIPTOR, BigInt(REQUEST_ADDRESS), length, MSG_WAITALL, null, null], {
      into: received,
      onError: 'end',
    }),
    equal(received, length, { otherwise: 'end' }),
    label('dispatch'),
  ];
}

function perform({ call, writes }: AgentCall, index: number, { args, result }: Cells): Step[] {
  const made = (next?: Label) => {
    const options = { label: `call ${index}`, into: result, next, onError: 'answer' };
    return call.step('serving its owner', args.slice(0, call.parameters.length), options);
  };
  if (writes === undefined) return [made('answer')];
  return [
    made(),
    answer(`answer ${index}`, { result }),
    write.step('answering', [AGENT_DESCRIPTOR, BigInt(REPLY_ADDRESS), result], {
      next: 'next request',
      onError: 'end',
    }),
  ];
}

function answer(name: Label, { result }: Pick<Cells, 'result'>): Step {
  return write.step('answering', [AGENT_DESCRIPTOR, addressOf(result), 8], { label: name, onError: 'end' });
}

function open(cells: Cells): Step[] {
  const [directory, path, how, size, slot] = cells.args;
  return fillSlot('open', slot, cells, openat2.step('opening', [directory, path, how, size], INTO(cells)));
}

function makeSocket(cells: Cells): Step[] {
  const [domain, type, protocol, slot] = cells.args;
  return fillSlot('socket', slot, cells, socket.step('making a socket', [domain, type, protocol], INTO(cells)));
}

/** Where the result of what opens something goes. */
const INTO = ({ result }: Cells) => ({ into: result, onError: 'answer' });

function fillSlot(name: Label, slot: Variable, { result }: Cells, opening: Step): Step[] {
  const opened = variable('opened');
  return [
    close.step('freeing a slot', [slot], { label: name, onError: 'next' }),
    opening,
    add(result, 0, opened),
    dup3.step('filling the slot', [opened, slot, O_CLOEXEC], { into: result, onError: 'next' }),
    close.step('closing the original', [opened], { next: 'answer' }),
  ];
}

/** The result goes in the message that carries the descriptor: as for other calls, it is what the owner reads first. */
function send({ args, result }: Cells): Step[] {
  const sent = MSGHDR.encode({
    msg_iov: IOVEC.encode({ iov_base: addressOf(result), iov_len: 8 }),
    msg_iovlen: 1,
    msg_control: encodeRights([SENT_DESCRIPTOR]),
    msg_controllen: rightsLength(1),
  });
  return [
    dup3.step('numbering', [args[0], SENT_DESCRIPTOR, O_CLOEXEC], { label: 'send', into: result, onError: 'answer' }),
    sendmsg.step('answering with a descriptor', [AGENT_DESCRIPTOR, sent, 0], { onError: 'end' }),
    close.step('closing the number', [SENT_DESCRIPTOR], { next: 'next request' }),
  ];
}
