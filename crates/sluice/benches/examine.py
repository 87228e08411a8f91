#!/usr/bin/env python3
"""Examines `sluice analyze --jsonl` from outside: how often it cries wolf, and how long it takes to find a fault.

    python3 crates/sluice/benches/examine.py target/release/sluice [--streams 500] [--only WORD]

Simulated streams go through the real process, in batches of 10 requests or of one second of events, and are judged by
what it answers. Every stream runs at alpha 0.01; it is stopped at 0.05 where its `p` first reaches that. A delay is
the mean number of observations until then, over Wald's least, ln(1/alpha) over the smallest divergence from the truth
to the null hypothesis. Seeded. Needs nothing but Python. The default takes about ten minutes of one core; 2000 streams take four times that.
"""

import argparse
import json
import math
import random
import subprocess
import sys

CHUNK = 250
CONFIG = {"alpha": 0.01, "direction": "increase", "margin": {"relative": 0}, "unit": "request"}


class Analyzer:
    """The process under examination, asked in chunks."""

    def __init__(self, binary, *options):
        command = [binary, "analyze", "--jsonl", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def begin(self, config):
        line = json.dumps({"config": {"id": "s", **CONFIG, **config}})
        self.process.stdin.write(line.encode() + b"\n")
        self.seq = 0

    def ask(self, batches):
        """Sends texts of batches; returns the answers."""
        lines = []
        for batch in batches:
            self.seq += 1
            lines.append('{"batch":{"seq":%d,%s}}\n' % (self.seq, batch))
        self.process.stdin.write("".join(lines).encode())
        self.process.stdin.flush()
        return [self.process.stdout.readline() for _ in batches]


def run(analyzer, config, source, batches_max):
    """The numbers of the batches at which one stream was stopped at 0.05 and at 0.01, and passed; None where not."""
    analyzer.begin(config)
    found = [None, None, None]
    done = 0
    while done < batches_max:
        answers = analyzer.ask(source(done, min(CHUNK, batches_max - done)))
        last = json.loads(answers[-1])
        for level, hit in enumerate((last["p"] <= 0.05, last["verdict"] == "stop", last["verdict"] == "pass")):
            if hit and found[level] is None:
                found[level] = done + first(answers, level) + 1
        done += len(answers)
        if found[1] is not None:
            break
    return found


def first(answers, level):
    for number, answer in enumerate(answers):
        answer = json.loads(answer)
        if (answer["p"] <= 0.05, answer["verdict"] == "stop", answer["verdict"] == "pass")[level]:
            return number
    raise AssertionError("the last answer said so")


# Streams. A source takes how many batches there were and how many are wanted, and gives their texts.


def binomial(n, p):
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def poisson(mean, most):
    return [math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(most)]


def table(outcomes):
    texts, weights = zip(*[(text, weight) for text, weight in outcomes if weight > 1e-15])
    return lambda count: random.choices(texts, weights, k=count)


def trials(w, stable, candidate, size=10, users=False):
    def arm(name, n, k):
        if users:
            return '"%s":{"n":%d,"k":%d,"units":%d,"unit_k":%d}' % (name, 5 * n, k, n, k)
        return '"%s":{"n":%d,"k":%d}' % (name, n, k)

    outcomes = []
    for nc, share in enumerate(binomial(size, w)):
        for kb, b in enumerate(binomial(size - nc, stable)):
            for kc, c in enumerate(binomial(nc, candidate)):
                text = '"weight":%g,%s,%s' % (w, arm("stable", size - nc, kb), arm("candidate", nc, kc))
                outcomes.append((text, share * b * c))
    return table(outcomes)


def steady(draw):
    return lambda: lambda done, count: draw(count)


def phases(draws):
    """Draws and from which batch on they hold."""

    def source(done, count):
        texts = []
        while count > 0:
            index = max(i for i, (start, _) in enumerate(draws) if start <= done)
            until = draws[index + 1][0] if index + 1 < len(draws) else done + count
            part = min(count, until - done)
            texts += draws[index][1](part)
            done, count = done + part, count - part
        return texts

    return lambda: source


def flickering(one, other):
    def source(done, count):
        texts = one(count)
        texts[1::2] = other(len(texts[1::2]))
        return texts

    return lambda: source


def events(w, mean, factor):
    most = int(12 + 3 * mean * max(factor, 1) + 8 * math.sqrt(mean * factor))
    outcomes = []
    for kb, b in enumerate(poisson(mean * (1 - w), most)):
        for kc, c in enumerate(poisson(mean * w * factor, most)):
            if b * c > 1e-12:
                arms = '"weight":%g,"stable":{"events":%d,"exposure":%g},"candidate":{"events":%d,"exposure":%g}'
                outcomes.append((arms % (w, kb, 1 - w, kc, w), b * c))
    return table(outcomes)


def bursts(w, mean):
    """Events that come in bursts of three on average."""

    def arm(share):
        bursts = random.choices(range(60), poisson(mean * share / 3, 60))[0]
        return sum(int(math.log(1 - random.random()) / math.log(2 / 3)) + 1 for _ in range(bursts))

    text = '"weight":%g,"stable":{"events":%d,"exposure":%g},"candidate":{"events":%d,"exposure":%g}'
    return lambda count: [text % (w, arm(1 - w), 1 - w, arm(w), w) for _ in range(count)]


POOL = 100_000


def times(w, change=lambda z, time: time):
    """Log-normal times, median 100 ms, sigma 0.6; `change` makes the candidate's of a normal score and a time."""

    def draw_with(z):
        return 100 * math.exp(0.6 * z)

    scores = [random.gauss(0, 1) for _ in range(POOL)]
    stable = ["%.2f" % draw_with(z) for z in scores]
    candidate = ["%.2f" % change(z, draw_with(z)) for z in scores]

    def draw(count):
        texts = []
        for _ in range(count):
            n = sum(random.random() < w for _ in range(10))
            b, c = ",".join(random.choices(stable, k=10 - n)), ",".join(random.choices(candidate, k=n))
            texts.append('"weight":%g,"stable":{"values":[%s]},"candidate":{"values":[%s]}' % (w, b, c))
        return texts

    return draw


def shared_users(w, users=2, size=5, icc=0.3, rate=0.01):
    """Users of five requests; the errors of one user come together."""

    def arm(n):
        a = rate * (1 - icc) / icc
        b = (1 - rate) * (1 - icc) / icc
        failed = [sum(random.random() < p for _ in range(size)) for p in (random.betavariate(a, b) for _ in range(n))]
        return '{"n":%d,"k":%d,"units":%d,"unit_k":%d}' % (n * size, sum(failed), n, sum(k > 0 for k in failed))

    def draw(count):
        texts = []
        for _ in range(count):
            n = sum(random.random() < w for _ in range(users))
            texts.append('"weight":%g,"stable":%s,"candidate":%s' % (w, arm(users - n), arm(n)))
        return texts

    return draw


def visitors(asked, given):
    text = '"weight":%g,"stable":{"n":%d},"candidate":{"n":%d}'
    return table([(text % (asked, 10 - n, n), p) for n, p in enumerate(binomial(10, given))])


# Divergences, in nats for one observation.


def kl(p, q):
    return sum(x * math.log(x / y) for x, y in ((p, q), (1 - p, 1 - q)) if x > 0)


def kl_trials(w, b, c, limit=lambda x: x):
    """To the nearest rates x of stable and limit(x) of the candidate: a sum of convex functions of x."""
    low, high = b, 1 - 1e-9
    while limit(high) >= 1:
        high *= 0.999
    for _ in range(200):
        one, two = low + (high - low) / 3, high - (high - low) / 3
        at = [(1 - w) * kl(b, x) + w * kl(c, limit(x)) for x in (one, two)]
        low, high = (low, two) if at[0] < at[1] else (one, high)
    return at[0]


def kl_events(w, mean, factor):
    c, b = mean * factor, mean
    pooled = w * c + (1 - w) * b
    return w * c * math.log(c / pooled) + (1 - w) * b * math.log(b / pooled)


def kl_visitors(asked, given):
    return kl(given, asked)


# What is examined.

PROPORTION, COUNT, LATENCY = {"kind": "proportion"}, {"kind": "count"}, {"kind": "latency"}
ALLOCATION = {"kind": "allocation"}
FIFTH, HALF_POINT = {"margin": {"relative": 0.2}}, {"margin": {"absolute": 0.005}}
RAMP = (0.05, 0.1, 0.25, 0.5)


def ramp(rates):
    return phases([(500 * i, trials(w, r, r)) for i, (w, r) in enumerate(zip(RAMP, rates))])


def nulls():
    """Name, config, source, how many batches; how large a part of the streams."""
    for w in (0.05, 0.1, 0.5):
        for rate in (0.001, 0.01, 0.05):
            yield f"w {w}, {rate:.1%} fail", PROPORTION, steady(trials(w, rate, rate)), 2000, 1
    yield "both directions, w 0.5", {**PROPORTION, "direction": "both"}, steady(trials(0.5, 0.05, 0.05)), 2000, 1
    yield "decrease, w 0.1", {**PROPORTION, "direction": "decrease"}, steady(trials(0.1, 0.05, 0.05)), 2000, 1
    edge = trials(0.5, 0.05, 0.04)
    yield "decrease, at the edge of 20 %", {**PROPORTION, **FIFTH, "direction": "decrease"}, steady(edge), 2000, 1
    yield "at the edge of 20 %, w 0.05", {**PROPORTION, **FIFTH}, steady(trials(0.05, 0.05, 0.06)), 2000, 1
    yield "at the edge of 20 %, w 0.5", {**PROPORTION, **FIFTH}, steady(trials(0.5, 0.01, 0.012)), 2000, 1
    yield "at the edge of 0.5 pp, w 0.5", {**PROPORTION, **HALF_POINT}, steady(trials(0.5, 0.01, 0.015)), 2000, 1
    yield "never a failure", PROPORTION, steady(trials(0.1, 0, 0)), 2000, 0.1
    yield "always a failure", PROPORTION, steady(trials(0.1, 1, 1)), 2000, 0.1
    yield "candidate half as bad", PROPORTION, steady(trials(0.2, 0.02, 0.01)), 2000, 1
    yield "ramp, 1 %", PROPORTION, ramp([0.01] * 4), 2000, 1
    yield "ramp, 0.5 to 2 %", PROPORTION, ramp([0.005, 0.008, 0.0126, 0.02]), 2000, 1
    yield "ramp, 2 to 0.5 %", PROPORTION, ramp([0.02, 0.0126, 0.008, 0.005]), 2000, 1
    low, high = trials(0.05, 0.005, 0.005), trials(0.5, 0.02, 0.02)
    yield "weight and rate flicker together", PROPORTION, flickering(low, high), 2000, 1
    outage = phases([(0, trials(0.1, 0.01, 0.01)), (900, trials(0.1, 0.3, 0.3)), (1000, trials(0.1, 0.01, 0.01))])
    yield "an outage of both", PROPORTION, outage, 2000, 1
    for w in (0.05, 0.5):
        yield f"users in clusters, w {w}", {**PROPORTION, "unit": "user"}, steady(shared_users(w)), 2000, 0.25
    for w, mean in ((0.05, 0.2), (0.05, 2), (0.5, 0.2), (0.5, 2)):
        yield f"events, w {w}, {mean} a second", COUNT, steady(events(w, mean, 1)), 2000, 1
    for w in (0.05, 0.5):
        yield f"events in bursts, w {w}", COUNT, steady(bursts(w, 2)), 2000, 0.25
        yield f"times, w {w}", LATENCY, steady(times(w)), 2000, 0.25
        yield f"visitors, w {w}", ALLOCATION, steady(visitors(w, w)), 2000, 1
    faster = times(0.5, lambda z, time: 0.9 * time)
    yield "times, 10 % faster", LATENCY, steady(faster), 2000, 0.25
    edge = times(0.5, lambda z, time: 1.1 * time)
    yield "times, at the edge of 10 %", {**LATENCY, "margin": {"relative": 0.1}}, steady(edge), 2000, 0.25
    moved = phases([(500 * i, visitors(w, w)) for i, w in enumerate(RAMP)])
    yield "visitors, ramp", ALLOCATION, moved, 2000, 1


def faults():
    """Name, config, source, divergence for one observation, observations in a batch, bars at 0.05 and 0.01."""
    for w, b, c, bars in (
        *((w, 0.001, 0.01, (2.0, 1.8)) for w in (0.05, 0.1, 0.5)),
        *((w, 0.01, 0.02, (1.65, 1.5)) for w in (0.05, 0.1, 0.5)),
        *((w, 0.01, 0.015, (1.65, 1.5)) for w in (0.05, 0.5)),
        *((w, 0.05, 0.07, (1.65, 1.5)) for w in (0.05, 0.5)),
    ):
        yield f"w {w}, {b:.1%} to {c:.1%}", PROPORTION, steady(trials(w, b, c)), kl_trials(w, b, c), 10, bars
    for w in (0.05, 0.5):
        least = kl_trials(w, 0.01, 0.02, lambda x: 1.2 * x)
        yield f"20 % tolerated, w {w}, 1 to 2 %", {**PROPORTION, **FIFTH}, steady(trials(w, 0.01, 0.02)), least, 10, (1.75, 1.6)
        least = kl_trials(w, 0.01, 0.02, lambda x: x + 0.005)
        yield f"0.5 pp tolerated, w {w}, 1 to 2 %", {**PROPORTION, **HALF_POINT}, steady(trials(w, 0.01, 0.02)), least, 10, (1.75, 1.6)
    fewer = {**PROPORTION, "direction": "decrease"}
    yield "decrease, w 0.5, 2 to 1 %", fewer, steady(trials(0.5, 0.02, 0.01)), kl_trials(0.5, 0.01, 0.02), 10, None
    for w in (0.05, 0.5):
        for mean, factor, bars in ((0.2, 10, (2.0, 2.0)), (2, 2, (1.6, 1.6)), (2, 1.5, (1.6, 1.6)), (20, 1.2, (1.8, 1.8))):
            draw = events(w, mean, factor)
            yield f"events, w {w}, {mean} a second, x{factor}", COUNT, steady(draw), kl_events(w, mean, factor), 1, bars
    changes = (
        ("all +10 %", lambda z, time: 1.1 * time, (5002, 953), (1.9, 1.9)),
        ("p99 +30 %", lambda z, time: 100 * math.exp((0.6 + math.log(1.3) / 2.3263) * z), (4345, 953), (2.6, 2.6)),
        ("2 % ten times", lambda z, time: time * (10 if random.random() < 0.02 else 1), (1700, 625), (4.2, 3.2)),
        ("above p98 +30 %", lambda z, time: time * (1.3 if z > 2.0537 else 1), (6811, 1582), (3.8, 3.8)),
    )
    for name, change, least, bars in changes:
        for w, least, bar in zip((0.05, 0.5), least, bars):
            yield f"times, {name}, w {w}", LATENCY, steady(times(w, change)), math.log(20) / least, 10, (bar, bar)
    for asked, given in ((0.05, 0.06), (0.5, 0.52), (0.1, 0.08)):
        draw = visitors(asked, given)
        yield f"visitors, {given} instead of {asked}", ALLOCATION, steady(draw), kl_visitors(asked, given), 10, (2.0, 1.8)


def late(analyzer, streams):
    """A fault that sets in with the last of four steps."""
    least = [math.log(1 / alpha) / kl_trials(0.5, 0.01, 0.02) for alpha in (0.05, 0.01)]
    for before in (2_000, 10_000):
        part = before // 3
        draws = [(part * i, trials(w, 0.01, 0.01)) for i, w in enumerate(RAMP[:3])]
        source = phases([*draws, (before, trials(0.5, 0.01, 0.02))])()
        found = [run(analyzer, PROPORTION, source, before + int(8 * least[1] / 10)) for _ in range(streams)]
        found = [each for each in found if each[0] is None or each[0] > before]
        ratios = [mean(found, level, before, 10, least) for level in (0, 1)]
        report(f"late, after {10 * before} requests", ratios, (2.7, 2.4), least[0])


def mean(found, level, before, size, least):
    cap = 8 * least[1]
    delays = [cap if each[level] is None else size * (each[level] - before) for each in found]
    return sum(delays) / len(delays) / least[level]


def report(name, ratios, bars, least):
    bars = f"{bars[0]} / {bars[1]}" if bars else "-"
    print(f"| {name} | {least:.0f} | {ratios[0]:.2f} | {ratios[1]:.2f} | {bars} |", flush=True)


def too_many(hits, streams, alpha):
    """Whether so many false alarms are beyond chance, at 99.9 %."""
    fewer = sum(
        math.exp(
            math.lgamma(streams + 1) - math.lgamma(k + 1) - math.lgamma(streams - k + 1)
            + k * math.log(alpha) + (streams - k) * math.log1p(-alpha)
        )
        for k in range(hits)
    )
    return 1 - fewer < 0.001


def false_passes(binary, streams):
    analyzer = Analyzer(binary, "--non-inferiority")
    for name, config, source in (
        ("never proved kept at the edge of 20 %", {**PROPORTION, **FIFTH}, trials(0.5, 0.05, 0.06)),
        ("nor at the edge of 0.5 pp", {**PROPORTION, **HALF_POINT}, trials(0.1, 0.01, 0.015)),
    ):
        found = [run(analyzer, config, steady(source)(), 2000) for _ in range(streams)]
        hits = sum(each[2] is not None for each in found)
        print(f"| {name} | | {hits / streams:.4f} | {too_many(hits, streams, 0.01)} |", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("binary")
    options.add_argument("--streams", type=int, default=500, help="in which nothing is wrong; with a fault, half as many")
    options.add_argument("--only", default="", help="a part of the name of what is to be examined")
    options = options.parse_args()
    random.seed(20)
    analyzer = Analyzer(options.binary)
    print(f"## sluice analyze: false alarms in {options.streams} streams, fewer where batches are slow to make\n")
    print("| nothing is wrong | stopped at 0.05 | at 0.01 | beyond chance |\n|---|---|---|---|")
    for name, config, source, batches, part in nulls():
        if options.only in name:
            streams = max(1, int(options.streams * part))
            found = [run(analyzer, config, source(), batches) for _ in range(streams)]
            hits = [sum(each[level] is not None for each in found) for level in (0, 1)]
            wrong = [too_many(h, streams, alpha) for h, alpha in zip(hits, (0.05, 0.01))]
            print(f"| {name} | {hits[0] / streams:.4f} | {hits[1] / streams:.4f} | {any(wrong)} |", flush=True)
    if not options.only:
        false_passes(options.binary, options.streams)
    streams = max(1, options.streams // 2)
    print(f"\n## sluice analyze: delay as a multiple of the least, in {streams} streams\n")
    print("| fault | least | at 0.05 | at 0.01 | bars |\n|---|---|---|---|---|")
    for name, config, source, divergence, size, bars in faults():
        if options.only in name:
            least = [math.log(1 / alpha) / divergence for alpha in (0.05, 0.01)]
            found = [run(analyzer, config, source(), int(8 * least[1] / size)) for _ in range(streams)]
            report(name, [mean(found, level, 0, size, least) for level in (0, 1)], bars, least[0])
    if options.only in "late":
        late(analyzer, streams)


if __name__ == "__main__":
    sys.exit(main())
