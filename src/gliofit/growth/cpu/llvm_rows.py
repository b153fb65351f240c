"""
The innermost loops of the CPU kernels, written as LLVM code: a stage, and the last stage, of a row of voxels.

What they compute is in `reference.py`; a test compares the two.

Why by hand. numba turns Python into LLVM's intermediate representation (IR), and LLVM turns that into machine code.
From a Python loop over voxels LLVM makes vector instructions only if it can prove that no array overlaps another. With
six fields, each at its own distance in three arrays, it gives up, or keeps two versions of the loop with tests before
them. And it makes an address for each neighbour in each field, 42 of them, for 16 registers. Here the vectors are
written out, so that nothing needs a proof; a field is reached from the field before it. One text serves any number of
fields: `fields`, a tuple of as many numbers, tells the writer how many to unroll. Field 0 is the density, all others
are its tangents; the faces' coefficients are computed once for all of them.

What a block is. A row (x, y) is a stretch of voxels along z, a multiple of LANES long. A block is LANES voxels of it
that are worked on at once: each value below is a vector of LANES numbers. For a block at voxel n, z + 1 is the vector
that is loaded at n + 1, x − 1 the one at n − sx. So neighbours are loads at other places, and nothing is shuffled.
LLVM splits a block into what the processor has: one register with AVX-512, two with AVX, four with SSE or NEON.

How to read it. `@intrinsic` functions are called by kernels like any compiled function. They return the types they
take and `write`, which numba calls once, when it compiles a kernel for these types. Nothing is computed then:
`rows.mul(a, b)` appends an instruction to the kernel and returns a name for its result. A Python `for` around it
repeats the instruction in the text (faces, fields); only `loop` makes a loop that the processor runs. As an example,
row ← 2·row would be

    def write(context, builder, signature, arguments):
        rows = _Rows(context, builder, signature, arguments, "fields q first blocks")
        place, two = rows.origin("q"), rows.splat(ir.Constant(rows.scalar, 2.0))
        rows.loop(lambda n: rows.store(rows.mul(two, rows.load(place, n)), place, n))
        return context.get_dummy_value()

and with float32 appends (`%first` is the pointer to the row's first voxel)

    blocks:
      %n = phi i64 [ 0, %entry ], [ %following, %blocks ]
      %place = getelementptr float, ptr %first, i64 %n
      %old = load <16 x float>, ptr %place, align 4
      %new = fmul contract <16 x float> %two, %old
      store <16 x float> %new, ptr %place, align 4
      %following = add i64 %n, 16
      %more = icmp slt i64 %following, %length
      br i1 %more, label %blocks, label %done

How to check it. `sweep.advance.inspect_llvm(signature)` is the text that came out, `inspect_asm` the machine
code; the loop over the blocks should have no call, and few loads from the stack (`rsp`). A change here is compiled at
once, as the kernels' cache follows it (`compiled.py`). Bounds are not checked: every row has a voxel of padding on all
sides.
"""

from __future__ import annotations

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

LANES = 16
"""Voxels per block."""

ORIGIN = 3
"""Fields 1 … ORIGIN are the tangents by the origin, which the time steps do not depend on."""

INDEX, NUMBER = ir.IntType(64), ir.IntType(32)

ROUND = ("contract",)
"""A product and a sum may be rounded once."""


def _index(value: int) -> ir.Constant:
    return ir.Constant(INDEX, value)


class _Rows:
    """Writes a loop over the blocks of a row of several fields."""

    def __init__(self, context, builder, signature, arguments, names: str):
        self.context, self.builder = context, builder
        self.arguments = dict(zip(names.split(), arguments, strict=True))
        self.types = dict(zip(names.split(), signature.args, strict=True))
        self.fields = len(self.types["fields"])
        number = self.types["q"].dtype
        self.size = number.bitwidth // 8
        self.scalar = context.get_value_type(number)
        self.vector = ir.VectorType(self.scalar, LANES)
        self.zero, self.one = (self.splat(ir.Constant(self.scalar, v)) for v in (0.0, 1.0))

    def items(self, name: str) -> list:
        """The numbers of a tuple."""
        return [self.builder.extract_value(self.arguments[name], i) for i in range(len(self.types[name]))]

    def splat(self, value):
        """A vector of equal numbers."""
        nothing = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(nothing, value, ir.Constant(NUMBER, 0))
        return self.builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(NUMBER, LANES), [0] * LANES))

    def add(self, a, b):
        return self.builder.fadd(a, b, flags=ROUND)

    def sub(self, a, b):
        return self.builder.fsub(a, b, flags=ROUND)

    def mul(self, a, b):
        return self.builder.fmul(a, b, flags=ROUND)

    def sum_of(self, pairs):
        """Σ a·b."""
        (a, b), *rest = pairs
        total = self.mul(a, b)
        for a, b in rest:
            total = self.add(total, self.mul(a, b))
        return total

    def array(self, name: str):
        return self.context.make_array(self.types[name])(self.context, self.builder, self.arguments[name])

    def origin(self, name: str, offset=None):
        """Pointer to the row's first voxel in the first (or only) field of an array."""
        first = self.arguments["first"] if offset is None else self.builder.add(self.arguments["first"], offset)
        return self.builder.gep(self.array(name).data, [first])

    def stride(self, name: str):
        """Voxels from one field of an array to the next."""
        return self.builder.sdiv(self.builder.extract_value(self.array(name).strides, 0), _index(self.size))

    def distance(self, start, end):
        """Voxels from one pointer to another."""
        start, end = (self.builder.ptrtoint(pointer, INDEX) for pointer in (start, end))
        return self.builder.sdiv(self.builder.sub(end, start), _index(self.size))

    def here(self, origin, n):
        """
        The pointer origin + n, whose making is hidden from the optimiser.

        It would otherwise keep a pointer for every neighbour in every field, of which there are more than a processor
        has registers; so it computes them from this one.
        """
        pointer = self.builder.gep(origin, [n])
        return self.builder.asm(ir.FunctionType(pointer.type, [pointer.type]), "", "=r,0", [pointer], False)

    def _place(self, origin, n):
        return self.builder.bitcast(self.builder.gep(origin, [n]), self.vector.as_pointer())

    def load(self, origin, n):
        return self.builder.load(self._place(origin, n), align=self.size)

    def store(self, vector, origin, n) -> None:
        self.builder.store(vector, self._place(origin, n), align=self.size)

    def loop(self, body) -> None:
        """Call body(n) for each block, at offset n of the row."""
        builder = self.builder
        length = builder.mul(self.arguments["blocks"], _index(LANES))
        entry, head, done = builder.block, builder.append_basic_block("blocks"), builder.append_basic_block("done")
        builder.cbranch(builder.icmp_signed(">", length, _index(0)), head, done)
        builder.position_at_end(head)
        n = builder.phi(INDEX)
        body(n)
        following = builder.add(n, _index(LANES))
        n.add_incoming(_index(0), entry)
        n.add_incoming(following, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, length), head, done)
        builder.position_at_end(done)


class _Stencil(_Rows):
    """The diffusion operator on a row."""

    def __init__(self, *details):
        super().__init__(*details)
        at_q, at_before, *_ = self.items("at")
        self.q, self.d = self.origin("q", at_q), self.origin("d")
        self.to_before = self.distance(self.q, self.origin("before", at_before))
        self.to_field = self.stride("q")
        sx, sy, along_z = self.arguments["sx"], self.arguments["sy"], [_index(1), _index(-1)]
        self.in_q = [*self.items("to"), *along_z]
        self.in_d = [sx, self.builder.neg(sx), sy, self.builder.neg(sy), *along_z]
        self.w = [self.splat(v) for v in self.items("w")]
        self.c1, self.c2 = self.splat(self.arguments["c1"]), self.splat(self.arguments["c2"])

    def faces(self, n) -> tuple:
        """
        Coefficients ω·D/h² of the six faces of each voxel, and 1 less their sum.

        In the order x + 1, x − 1, y + 1, y − 1, z + 1, z − 1.
        """
        d, out = self.here(self.d, n), []
        here = self.load(d, _index(0))
        for face, step in enumerate(self.in_d):
            both = self.builder.fadd(here, self.load(d, step))
            open_ = self.builder.select(self.builder.fcmp_ordered(">", both, self.zero), both, self.zero)
            out.append(self.mul(self.w[face // 2], open_))
        centre = self.one
        for coefficient in out:
            centre = self.sub(centre, coefficient)
        return out, centre

    def each_field(self, n):
        """Pointers to a block of q in each field."""
        place = self.here(self.q, n)
        for k in range(self.fields):
            yield k, place
            place = self.builder.gep(place, [self.to_field])

    def recurrence(self, k: int, place, faces: list, centre) -> tuple:
        """
        q, and c1·(q + ωL q) − c2·before, of field k, in which `place` is.

        The density is a sum over the flows through the faces, which keeps the mass to the last digit; tangents are a
        weighted sum over the neighbours, with fewer instructions.
        """
        here, there = self.load(place, _index(0)), [self.load(place, step) for step in self.in_q]
        if k == 0:
            total = here
            for face, q in zip(faces, there, strict=True):
                total = self.add(total, self.mul(face, self.sub(q, here)))
        else:
            total = self.sum_of([(centre, here), *zip(faces, there, strict=True)])
        return here, self.sub(self.mul(self.c1, total), self.mul(self.c2, self.load(place, self.to_before)))


@intrinsic
def stage_row(typing_context, fields, q, before, out, d, at, to, first, blocks, sx, sy, w, c1, c2):
    """
    One stage of a row: out ← c1·(q + ωL q) − c2·before.

    Parameters
    ----------
    fields : tuple
        As long as there are fields.
    q, before, out : ndarray [fields, n]
        As far from field to field in all of them.
    d : ndarray [n]
        Diffusivity.
    at : tuple of int
        Offsets from a voxel of d to the same of q, before and out.
    to : tuple of int
        Offsets from a voxel of q to its neighbours x + 1, x − 1, y + 1 and y − 1.
    first, blocks : int
        First voxel of d, and number of blocks of LANES voxels.
    sx, sy : int
        Offsets along x and y in d.
    w : tuple of float
        ω/(2h²) per axis.
    c1, c2 : float
    """
    names = "fields q before out d at to first blocks sx sy w c1 c2"

    def write(context, builder, signature, arguments):
        rows = _Stencil(context, builder, signature, arguments, names)
        to_out = rows.distance(rows.q, rows.origin("out", rows.items("at")[2]))

        def block(n):
            faces, centre = rows.faces(n)
            for k, place in rows.each_field(n):
                rows.store(rows.recurrence(k, place, faces, centre)[1], place, to_out)

        rows.loop(block)
        return context.get_dummy_value()

    return types.void(fields, q, before, out, d, at, to, first, blocks, sx, sy, w, c1, c2), write


@intrinsic
def finish_row(typing_context, fields, q, before, y, d, at, to, first, blocks, sx, sy, w, c1, c2, mix, own, gain):
    """
    The last stage of a row and the end of the step: y ← logistic(α·y + β·q + γ·final), and its tangents.

    As `stage_row`; further

    Parameters
    ----------
    y : ndarray [fields, n]
        Voxels as in d; as far from field to field as q.
    mix : tuple of float
        (α, β, γ).
    own : ndarray [fields, 4]
        Derivatives of α, β, γ and of ρt by each tangent's parameter (past ORIGIN).
    gain : float
        exp(ρt) − 1 of the logistic flow.
    """
    names = "fields q before y d at to first blocks sx sy w c1 c2 mix own gain"

    def write(context, builder, signature, arguments):
        rows = _Stencil(context, builder, signature, arguments, names)
        to_y = rows.distance(rows.q, rows.origin("y"))
        mix, gain = [rows.splat(v) for v in rows.items("mix")], rows.splat(rows.arguments["gain"])
        table = rows.array("own").data
        own = {
            k: [rows.splat(builder.load(builder.gep(table, [_index(4 * k + i)]))) for i in range(4)]
            for k in range(ORIGIN + 1, rows.fields)
        }
        grown = rows.add(rows.one, gain)

        def block(n):
            faces, centre = rows.faces(n)
            for k, place in rows.each_field(n):
                parts = rows.load(place, to_y), *rows.recurrence(k, place, faces, centre)
                mixed = rows.sum_of(zip(mix, parts, strict=True))
                if k == 0:
                    scale = builder.fdiv(rows.one, rows.add(rows.one, rows.mul(mixed, gain)))
                    slope = rows.mul(rows.mul(grown, scale), scale)
                    of_density = *parts, rows.mul(mixed, rows.sub(rows.one, mixed))
                    value = rows.mul(rows.mul(mixed, grown), scale)
                else:
                    if k > ORIGIN:
                        mixed = rows.add(mixed, rows.sum_of(zip(own[k], of_density, strict=True)))
                    value = rows.mul(slope, mixed)
                rows.store(value, place, to_y)

        rows.loop(block)
        return context.get_dummy_value()

    return types.void(fields, q, before, y, d, at, to, first, blocks, sx, sy, w, c1, c2, mix, own, gain), write
