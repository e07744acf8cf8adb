import { Container, Image } from '../sdk/index.ts';
console.log(await Container.run(Image.host(), ['echo','hello']));
console.log(await Container.run(Image.host(), ['sh','-c','ls /; id; cat; ls -l /proc/self/fd; touch /usr/x; ls /usr; exit 3'], {stdin:'from stdin\n'}));
try { await Container.run(Image.host(), ['nosuch']) } catch (e) { console.log(e) }
try { await Container.run(Image.host(), ['/etc/passwd']) } catch (e) { console.log((e as Error).message) }
{ await using c = await Container.start(Image.host(), {command:['sleep','100']});
console.log(c, c.inspect().pid);
console.log(await c.exec(['sh','-c','ps aux; hostname']));
console.log(await c.exec(['sh','-c','cat; id'], {stdin:'xx', user:'nobody'}));
const sh = await c.spawn(['sh','-i'], {tty:true});
sh.stdin!.write('tty; stty size; exit 5\n');
let out=''; for await (const l of sh.stdout!.lines()) out+=l+'\n';
console.log(out, await sh.wait());
const t = performance.now(); await c.stop(); console.log('stop', performance.now()-t, c);
}
console.log(await Container.run(Image.host(), ['sh','-c','ps; kill -9 $$'], {init:true}));
