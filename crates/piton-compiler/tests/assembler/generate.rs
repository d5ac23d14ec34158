//! Sources for comparisons of the inline assemblers.

use piton_mpy::header::Arch;

/// Mnemonics with the kinds of their operands: r register, i integer, l label, a address, s set, v register of the
/// floating-point unit, c condition, p special register, o offset(base), z list of registers of Zcmp.
const THUMB: &str = "nop; wfi; b l; bl l; bx r; beq l; bne l; bcs l; bcc l; bmi l; bpl l; bvs l; bvc l; bhi l; bls l; bge l; blt l; \
    bgt l; ble l; beq_n l; ble_n l; beq_w l; ble_w l; bal l; beq_x l; it c; itt c; ite c; itte c; iteee c; itttt c; \
    itx c; ittttt c; cpsid i; cpsie i; push s; pop s; mov r r; mov r i; clz r r; rbit r r; mrs r p; and_ r r; eor r \
    r; lsl r r; lsr r r; asr r r; adc r r; sbc r r; ror r r; tst r r; neg r r; cmp r r; cmp r i; cmn r r; orr r r; \
    mul r r; bic r r; mvn r r; add r i; sub r i; movw r i; movt r i; movwt r i; ldrex r a; ldr r a; ldrb r a; ldrh r \
    a; str r a; strb r a; strh r a; vcmp v v; vsqrt v v; vneg v v; vcvt_f32_s32 v v; vcvt_s32_f32 v v; vmrs r p; \
    vmov v r; vmov r v; vldr v a; vstr v a; lsl r r i; lsr r r i; asr r r i; add r r r; add r r i; sub r r r; sub r \
    r i; sdiv r r r; udiv r r r; strex r r a; vadd v v v; vsub v v v; vmul v v v; vdiv v v v; vmla v v v; and r r; \
    bkpt i";

const XTENSA: &str = "abs_ r r; add r r r; add_n r r r; addi r r i; addx2 r r r; addx4 r r r; addx8 r r r; and_ r r r; callx0 r; jx r; \
    l16si r r i; l16ui r r i; l32i r r i; l8ui r r i; mov r r; mov_n r r; mull r r r; neg r r; nop; nop_n; nsa r r; \
    nsau r r; or_ r r r; ret; ret_n; s16i r r i; s32i r r i; s8i r r i; sll r r; sra r r; src r r r; srl r r; ssa8b \
    r; ssa8l r; ssl r; ssr r; sub r r r; subx2 r r r; subx4 r r r; subx8 r r r; xor r r r; j l; ssai i; call0 l; \
    beqz r l; bnez r l; bltz r l; bgez r l; beqz_n r l; bnez_n r l; movi r i; l32r r l; movi_n r i; bnone r r l; beq \
    r r l; blt r r l; bltu r r l; ball r r l; bbc r r l; bany r r l; bne r r l; bge r r l; bgeu r r l; bnall r r l; \
    bbs r r l; addi_n r r i; addmi r r i; bbci r i l; bbsi r i l; slli r r i; srai r r i; srli r r i; l32i_n r r i; \
    s32i_n r r i; dsync; rsr r i; wsr r i; fsync i; abs r r; waiti i";

const RV32: &str = "add r r r; addi r r i; and_ r r r; andi r r i; auipc r i; beq r r l; bge r r l; bgeu r r l; blt r r l; bltu r r \
    l; bne r r l; csrrc r r i; csrrs r r i; csrrw r r i; csrrci r i i; csrrsi r i i; csrrwi r i i; c_add r r; c_addi \
    r i; c_addi4spn r i; c_and r r; c_andi r i; c_beqz r l; c_bnez r l; c_ebreak; c_j l; c_jal l; c_jalr r; c_jr r; \
    c_li r i; c_lui r i; c_lw r o; c_lwsp r i; c_mv r r; c_nop; c_or r r; c_slli r i; c_srai r i; c_srli r i; c_sub \
    r r; c_sw r o; c_swsp r i; c_xor r r; div r r r; divu r r r; ebreak; ecall; jal r l; jalr r r i; la r l; lb r o; \
    lbu r o; lh r o; lhu r o; li r i; lui r i; lw r o; mv r r; mul r r r; mulh r r r; mulhsu r r r; mulhu r r r; or_ \
    r r r; ori r r i; rem r r r; remu r r r; sb r o; sh r o; sh1add r r r; sh2add r r r; sh3add r r r; sll r r r; \
    slli r r i; slt r r r; slti r r i; sltiu r r i; sltu r r r; sra r r r; srai r r i; srl r r r; srli r r i; sub r \
    r r; sw r o; xor r r r; xori r r i; cm_push z i; cm_pop z i; cm_popret z i; cm_popretz z i; cm_mva01s r r; \
    cm_mvsa01 r r; cm_jt i; fence; nop";

const INTEGERS: &str = "0; 1; -1; 2; 3; 4; 5; 7; 8; 12; 15; 16; -16; 20; 28; 30; 31; 32; -31; -32; -33; 48; -48; 60; 61; 62; 63; 64; \
    -64; -65; 95; 96; 120; 124; 125; 127; 128; -128; -129; 252; 254; 255; 256; -256; 510; 512; 1016; 1020; 1021; \
    1023; 1024; 2047; 2048; -2048; -2049; 4094; 4095; 4096; 0x7f00; 0x7f01; -0x8000; -0x8100; 0xffff; 0x10000; \
    0x12345; 0xfffff; 0x100000; 0x7ffff800; 0x7fffffff; 0x80000000; -0x80000000; 0xfffff800; 0xffffffff; \
    -0xffffffff; 0x100000000; 0x123456789abcdef0; (1 << 62) - 1; 1 << 62; 1 << 64; -(1 << 64); (1 << 64) + 5; -(1 << \
    70); 1 + 2; ~5";

const OTHERS: &[&str] = &[
    "1.5",
    "'text'",
    "None",
    "()",
    "(1, 2)",
    "unknown",
    "x.y",
    "x()",
    "*x",
    "**x",
    "x=1",
    "a + b",
    "-x",
    "[]",
    "{}",
    "lambda: 0",
    "1 if x else 2",
    "b'1'",
    "...",
];

/// Returns what an operand of a kind can be, right ones first.
fn pool(arch: Arch, kind: &str) -> Vec<String> {
    let owned = |list| items(list).map(str::to_owned).collect::<Vec<_>>();
    let registers = |letter: &str, range: std::ops::Range<u32>| {
        range
            .map(|number| format!("{letter}{number}"))
            .collect::<Vec<_>>()
    };
    match (arch, kind) {
        (Arch::Rv32Imc, "r") => {
            let mut list = registers("x", 0..34);
            list.extend(registers("a", 0..9));
            list.extend(registers("s", 0..13));
            list.extend(registers("t", 0..8));
            list.extend(owned("zero; ra; sp; gp; tp; fp; x01; x; r0"));
            list
        }
        (Arch::Xtensa | Arch::XtensaWin, "r") => {
            let mut list = registers("a", 0..18);
            list.extend(owned("a01; a; sp; r0"));
            list
        }
        (_, "r") => {
            let mut list = registers("r", 0..18);
            list.extend(owned("sl; fp; sp; lr; pc; r01; r; s0; APSR_nzcv"));
            list
        }
        (_, "i") => items(INTEGERS).map(str::to_owned).collect(),
        (_, "l") => owned("back; ahead; nowhere"),
        (_, "v") => {
            let mut list = registers("s", 0..34);
            list.extend(owned("s; s007; s99999999999999999999; sx; d0; r0"));
            list
        }
        (_, "c") => owned("eq; ne; cs; cc; mi; pl; vs; vc; hi; ls; ge; lt; gt; le; al; e; eqq"),
        (_, "p") => owned("IPSR; BASEPRI; FPSCR; ipsr; r0"),
        (_, "s") => owned(
            "{r0}; {r7}; {r0, r1}; {r1, r0,}; {r4, r5, r6, r7, lr}; {lr}; {pc}; {sp}; {r0, pc}; {r8, lr}; {r3, \
            r8, r12}; {r15, r14, r13}; {}; {r0: r1}; {1}; {r0, 1}; {r16, r8}; {x for x in y}; {r0, r1: r2}; \
            {*r0}; [r0]; (r0, r1)",
        ),
        (_, "z") => owned(
            "{ra}; {x1}; {ra, s0}; {ra, s0-s1}; {ra, s0-s2}; {ra, s0 - s5}; {ra, x8-x25}; {ra, s0-s9}; {ra, \
            s0-s10}; {ra, s0-s11}; {ra, s0-s0}; {ra, s0-t3}; {ra, s0-a0}; {ra, s1}; {s0}; {ra, s0, s1}; {ra, \
            s0-s1-s2}; {ra, s0+s1}; {ra, 1}; {ra, s0,}; {ra,}; {s0, ra}; {ra: s0}; {ra, 1-s1}; {}; ra; [ra]",
        ),
        (Arch::Rv32Imc, "o") => {
            let number = |number: &str| format!("{number}(a0)");
            let mut list: Vec<String> = items(INTEGERS).map(number).collect();
            list.extend(owned("4(x0); 4(x16); -4(s1); +4(s0); -4(x16); ~4(a0); 4[a0]; (4).a0; x(a0); -x(a0); 4(a0, a1); 4(); 4(1); \
            4(a0)(a1); -1.5(a0); 1.5(a0); --4(a0); (-4)(a0); -(4)(a0); 4(unknown); a0; 4; 4(*a0); (1, 2)(a0); \
            await 4(a0); -0x80000000(a0); -(1 << 70)(a0); (1 << 70)(a0)"));
            list
        }
        (_, "a") => {
            let mut list: Vec<String> = items(INTEGERS)
                .map(|number| format!("[r1, {number}]"))
                .collect();
            list.extend(owned("[r7, 0]; [r8, 4]; [sp, 4]; [r15, 4]; [r16, 4]; [r0]; []; [r0, r1]; [r0, 1, 2]; [4, r0]; [r0, 4,]; \
            (r0, 4); [x for x in y]; [r0, 1.5]; [x, y]; [*r0, 4]"));
            list
        }
        _ => Vec::new(),
    }
}

/// Returns a plain right operand of a kind.
fn plain(arch: Arch, kind: &str) -> String {
    match (arch, kind) {
        (Arch::Rv32Imc, "r") => "x9".into(),
        (Arch::Xtensa | Arch::XtensaWin, "r") => "a3".into(),
        (_, "r") => "r2".into(),
        (_, "i") => "4".into(),
        (_, "l") => "back".into(),
        (_, "v") => "s5".into(),
        _ => pool(arch, kind).into_iter().next().unwrap_or_default(),
    }
}

/// Returns the items of a list.
fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split("; ")
}

fn templates(arch: Arch) -> (&'static str, Vec<&'static str>) {
    let (decorator, templates) = match arch {
        Arch::Xtensa | Arch::XtensaWin => ("asm_xtensa", XTENSA),
        Arch::Rv32Imc => ("asm_rv32", RV32),
        _ => ("asm_thumb", THUMB),
    };
    (decorator, items(templates).collect())
}

/// Returns functions with an instruction: each mnemonic with every operand at each place, and with too few and too many
/// operands.
pub(crate) fn instructions(arch: Arch) -> Vec<String> {
    let (decorator, templates) = templates(arch);
    let mut lines = Vec::new();
    for template in templates {
        let mut words = template.split(' ');
        let name = words.next().unwrap_or_default();
        let kinds: Vec<&str> = words.collect();
        let plain: Vec<String> = kinds.iter().map(|kind| plain(arch, kind)).collect();
        for count in 0..5 {
            let operands = plain.iter().map(String::as_str).chain(["4", "4", "4", "4"]);
            let operands: Vec<&str> = operands.take(count).collect();
            lines.push(format!("{name}({})", operands.join(", ")));
        }
        for (place, kind) in kinds.iter().enumerate() {
            let others = ["r", "i", "l", "a", "s", "v"];
            let wrong = others.iter().filter(|other| *other != kind);
            let wrong = wrong.flat_map(|other| pool(arch, other).into_iter().take(2));
            let wrong = wrong.chain(OTHERS.iter().map(|&other| other.to_owned()));
            for operand in pool(arch, kind).into_iter().chain(wrong) {
                let mut operands = plain.clone();
                if let Some(place) = operands.get_mut(place) {
                    *place = operand;
                }
                lines.push(format!("{name}({})", operands.join(", ")));
            }
        }
    }
    let function = |line: &String| {
        format!(
            "@micropython.{decorator}\ndef f():\n    label(back)\n    {line}\n    data(2, 0)\n    label(ahead)\n"
        )
    };
    lines.iter().map(function).collect()
}

/// Returns functions with a branch over as many bytes as are at a limit of some instruction.
pub(crate) fn branches(arch: Arch) -> Vec<String> {
    const LIMITS: [i32; 8] = [
        0x80,
        0x100,
        0x400,
        0x800,
        0x1000,
        0x2000,
        0x2_0000,
        0x40_0000 / 4,
    ];
    let (decorator, templates) = templates(arch);
    let mut sources = Vec::new();
    for template in templates.iter().filter(|template| template.contains('l')) {
        let mut words = template.split(' ');
        let name = words.next().unwrap_or_default();
        let kinds: Vec<&str> = words.collect();
        if kinds.last() != Some(&"l") {
            continue;
        }
        let operands: Vec<String> = kinds
            .iter()
            .map(|kind| {
                if *kind == "l" {
                    "there".into()
                } else {
                    plain(arch, kind)
                }
            })
            .collect();
        let branch = format!("    {name}({})\n", operands.join(", "));
        for limit in LIMITS {
            for around in [-12, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 8] {
                let gap = format!("    data({}, 0)\n", limit + around);
                let head = format!("@micropython.{decorator}\ndef f():\n");
                sources.push(format!("{head}    label(there)\n{gap}{branch}"));
                sources.push(format!("{head}{branch}{gap}    label(there)\n"));
                sources.push(format!(
                    "{head}    align(4)\n{branch}{gap}    align(4)\n    label(there)\n"
                ));
                sources.push(format!(
                    "{head}    label(there)\n{gap}    align(4)\n{branch}"
                ));
            }
        }
    }
    sources
}

/// Random numbers that are the same in each run (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as usize % limit.max(1)
    }

    fn pick<'a>(&mut self, list: &'a [String]) -> &'a str {
        list.get(self.below(list.len())).map_or("", String::as_str)
    }
}

/// Returns modules of a few functions each, with instructions that are right more often than not.
pub(crate) fn modules(arch: Arch, seed: u64, count: usize) -> Vec<String> {
    let (decorator, templates) = templates(arch);
    let mut random = Random(0x5eed_0001 + seed * 7919);
    let module = |random: &mut Random| {
        let mut source = String::new();
        for function in 0..1 + random.below(4) {
            let result = ["", "", " -> int", " -> uint", " -> object", " -> bool"];
            let result = result.get(random.below(result.len())).unwrap_or(&"");
            source += &format!(
                "@micropython.{decorator}\ndef f{function}({}){result}:\n",
                parameters(arch, random)
            );
            // The official compiler refuses branches by chance where there are 4, 8, 12 ... labels.
            let labels = [0, 1, 2, 3, 5].get(random.below(5)).copied().unwrap_or(0);
            let mut left = labels;
            for _ in 0..random.below(20) {
                source += &statement(arch, &templates, labels, random);
                if left > 0 && random.below(3) == 0 {
                    left -= 1;
                    source += &format!("    label(l{left})\n");
                }
            }
            for label in 0..left {
                source += &format!("    label(l{label})\n");
            }
            source += "    pass\n";
            if random.below(4) == 0 && arch != Arch::Rv32Imc {
                source += "x = 1 if y and z else 2\nwhile a: b()\n";
            }
        }
        source
    };
    (0..count).map(|_| module(&mut random)).collect()
}

fn parameters(arch: Arch, random: &mut Random) -> String {
    let (letter, first) = match arch {
        Arch::Xtensa | Arch::XtensaWin => ("a", 2),
        Arch::Rv32Imc => ("a", 0),
        _ => ("r", 0),
    };
    let names = (0..random.below(5)).map(|number| format!("{letter}{}", first + number));
    names.collect::<Vec<_>>().join(", ")
}

fn statement(arch: Arch, templates: &[&str], labels: usize, random: &mut Random) -> String {
    match random.below(14) {
        0 => return format!("    align({})\n", 1 << random.below(4)),
        1 => {
            return format!(
                "    data({}, {}, -1)\n",
                random.below(9),
                random.below(1 << 20)
            );
        }
        _ => {}
    }
    let template = templates
        .get(random.below(templates.len()))
        .unwrap_or(&"nop");
    let mut words = template.split(' ');
    let name = words.next().unwrap_or_default();
    let operands: Vec<String> = words
        .map(|kind| match kind {
            "l" if labels > 0 => format!("l{}", random.below(labels)),
            // Mostly one that is right.
            _ if random.below(8) != 0 => plain(arch, kind),
            _ => random.pick(&pool(arch, kind)).to_owned(),
        })
        .collect();
    format!("    {name}({})\n", operands.join(", "))
}
