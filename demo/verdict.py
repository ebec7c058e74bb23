"""Was every tile committed exactly once? Judged from the audit trail and the state, not from the futures.

What: `faults` lists what went wrong (an empty list is the good end), `table` is the closing table.
What not: runs nothing.
"""

from collections import Counter

import photos


def faults(run, state, tiles, rivals):
    """Sentences, one per fault: tiles lost, committed twice, counted wrong, or different from a rival's.

    `rivals` maps the name of each rival to its pictures.
    """
    found = []
    keys = {tile.key for tile in tiles}
    committed = Counter()
    per_task = Counter()
    for record in _of_tiles(run):
        if record.outcome == "committed":
            committed.update({path.split(".")[1] for path in dict(record.paths) if path.startswith("tiles.")})
            per_task[record.task] += 1
    found += [f"tile {key} was committed {committed[key]} times" for key in sorted(keys) if committed[key] != 1]
    found += [f"task {task} committed {count} times" for task, count in per_task.items() if count != 1]
    if len(per_task) != len(tiles):
        found.append(f"{len(per_task)} tasks committed, not {len(tiles)}")
    held = state.data["tiles"]
    found += [f"tile {key} is not in the state" for key in sorted(keys - set(held))]
    found += [f"the state holds {key}, which is no tile" for key in sorted(set(held) - keys)]
    for name, members in photos.sheets(tiles).items():
        counted = state.data["domain"]["sheets"][name]["tiles"]
        if counted != len(members):
            found.append(f"sheet {name} counted {counted} tiles, not {len(members)}: an update was lost")
    found += [
        f"tile {key} differs from the rival's ({name})"
        for name, pictures in rivals.items()
        for key in sorted(keys & set(held))
        if held[key]["picture"] != pictures[key]
    ]
    if not run.killed:
        found.append("no worker was killed")
    elif not crashes(run):
        found.append("a worker was killed, but the trail holds no crash record")
    return found


def crashes(run):
    """The audit records of lost attempts."""
    return [record for record in _of_tiles(run) if record.outcome == "crashed"]


def table(run, state, tiles, prints, workers, rivals):
    """The closing table, as text; `rivals` maps the name of each rival to its seconds."""
    records = _of_tiles(run)
    outcomes = Counter(record.outcome for record in records)
    megabytes = sum(of.megabytes for of in prints.values())
    read = [prints[tile.photo, tile.scale].megabytes for tile in tiles]
    sent = f"each task is sent its photograph as a pickle, {sum(read) / 1e3:.1f} GB in all"
    kept = f"each worker is sent all {megabytes:.1f} MB once and keeps them in a global"
    rows = [
        ("tiles", f"{len(tiles)}"),
        ("heavy zone", f"{megabytes:.1f} MB"),
        ("a task reads", f"its whole photograph: {sum(read) / len(read):.1f} MB ({min(read):.1f} to {max(read):.1f})"),
        ("workers", f"{workers}"),
        ("commits", f"{outcomes['committed']}"),
        ("conflicts", f"{outcomes['conflict']}"),
        ("retries", f"{len(records) - len({record.task for record in records})}"),
        (
            "crash records",
            f"{outcomes['crashed']}"
            + "".join(
                f"  (task {record.task}, attempt {record.attempt}, signal {record.signal})" for record in crashes(run)
            ),
        ),
        ("state version", f"{state.version}"),
        ("seconds, theus", f"{run.seconds:.2f}  (commits, audit, one worker killed)"),
        ("seconds, pickled", f"{rivals['pickled']:.2f}  (ProcessPoolExecutor, none of these; {sent})"),
        ("seconds, held", f"{rivals['held']:.2f}  (ProcessPoolExecutor, none of these; {kept})"),
        ("theus / pickled", f"{run.seconds / rivals['pickled']:.2f}"),
        ("theus / held", f"{run.seconds / rivals['held']:.2f}"),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)


def _of_tiles(run):
    return [record for record in run.records.values() if record.process == "draw_tile"]
