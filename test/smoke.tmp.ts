import { planContainer } from '/work/main/sdk/plan/container.ts';
import { launch, variable, read, waitid, SIGINFO_CHILD, P_PIDFD, WEXITED, close, pipe2, openat, O_CLOEXEC, AT_FDCWD } from '/work/main/syscalls/index.ts';
import { normalizeContainer } from '/work/main/sdk/spec/normalize.ts';
import { processFacts } from '/work/main/sdk/spec/process-facts.ts';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
const base = process.env.BASE ?? '/tmp/smoke';
const lower = '/tmp/bbroot';
if (!fs.existsSync(lower)) { fs.mkdirSync(lower+'/bin',{recursive:true}); fs.copyFileSync('/bin/busybox', lower+'/bin/busybox'); for (const a of execFileSync('/bin/busybox',['--list']).toString().trim().split('\n')) if (a!=='busybox') fs.symlinkSync('busybox', lower+'/bin/'+a); }
let n=0;
export function run(command: string[], opts = {}, show=false) {
  const dir = `${base}/${process.pid}-${n++}`; fs.mkdirSync(dir+'/upper',{recursive:true}); fs.mkdirSync(dir+'/work');
  const spec = normalizeContainer({ command, ...opts }, { id: 'abcdefabcdefabcdef', facts: processFacts(), config: {}, user: {uid:0,gid:0,additionalGids:[],home:'/root'}, mounts: [], rootPath: dir, layers: [lower], views: [] });
  const plan = planContainer(spec, { stdio: ['null', variable('stdout'), variable('stderr')], extra: [] });
  if (show) console.log(plan.toString());
  const l = launch(plan, { stdout: 1, stderr: 2 });
  const info = new Uint8Array(128);
  waitid(P_PIDFD, l.pidfd, info, WEXITED, null);
  const s = SIGINFO_CHILD.decode(info);
  const buf = new Uint8Array(64);
  const got = read(l.report, buf, 64);
  if (got) console.log(l.failure(buf.subarray(0,got)));
  close(l.pidfd); close(l.report);
  fs.rmSync(dir,{recursive:true});
  return s.si_status;
}
if (process.env.SHOW) console.log(run(['sh','-c', process.env.CMD ?? 'echo hi; id; ls -la /dev; cat /proc/self/mountinfo; ps; cat /proc/1/status | grep -E "Sig|Cap"; ls -l /proc/self/fd; ip a; hostname'], {}, true));
else { for (let k=0;k<5;k++){ const t=performance.now(); for(let i=0;i<100;i++) run(['true']); console.log((performance.now()-t)/100); } }
