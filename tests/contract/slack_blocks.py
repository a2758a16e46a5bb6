"""Validates messages and views against Slack's own Python models, which know nothing of Steward.

    cargo test --test it slack:: new::corpus::  # writes target/slack-samples*.jsonl
    python3 -m venv /tmp/slack-contract && /tmp/slack-contract/bin/pip install 'slack_sdk>=3.33,<4'
    /tmp/slack-contract/bin/python tests/contract/slack_blocks.py target/slack-samples*.jsonl

Reads one JSON object a line, {"kind": "message"|"view"|"home"|"unfurl"|"options", "payload": {...}}. Exits 1 if any is not
what Slack takes.
"""

import json
import sys
from collections import Counter

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

MESSAGE_FIELDS = {
    "response_type", "replace_original", "delete_original", "thread_ts", "text", "mrkdwn", "blocks",
    "unfurl_links", "unfurl_media", "channel", "user",
}
HOME_FIELDS = {"type", "blocks", "private_metadata", "callback_id", "external_id"}
VIEW_FIELDS = {
    "type", "title", "blocks", "close", "submit", "private_metadata", "callback_id", "clear_on_close",
    "notify_on_close", "external_id",
}


def unknown_keys(sent, understood, path):
    """Keys that the models dropped: Slack would refuse or ignore them."""
    faults = []
    if isinstance(sent, dict) and isinstance(understood, dict):
        for key, value in sent.items():
            if key not in understood:
                # The models leave false flags out.
                if value is not False:
                    faults.append(f"{path}.{key} is unknown")
            else:
                faults += unknown_keys(value, understood[key], f"{path}.{key}")
    elif isinstance(sent, list) and isinstance(understood, list):
        if len(sent) != len(understood):
            faults.append(f"{path}: {len(sent)} sent, {len(understood)} understood")
        for index, (one, other) in enumerate(zip(sent, understood)):
            faults += unknown_keys(one, other, f"{path}[{index}]")
    return faults


def check_blocks(blocks, path):
    faults = []
    for index, sent in enumerate(blocks):
        here = f"{path}[{index}]"
        block = Block.parse(sent)
        if block is None or type(block) is Block:
            faults.append(f"{here}: type {sent.get('type')!r} is unknown")
            continue
        try:
            block.validate_json()
            faults += unknown_keys(sent, json.loads(json.dumps(block.to_dict())), here)
        except SlackObjectFormationError as error:
            faults.append(f"{here}: {error}")
    return faults


def texts(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "text" and isinstance(inner, str):
                yield inner
            else:
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def check_message(payload):
    faults = [f"field {name!r} is unknown" for name in payload.keys() - MESSAGE_FIELDS]
    text = payload.get("text")
    if not text or len(text) > 40_000:
        faults.append(f"text of length {len(text or '')}")
    blocks = payload.get("blocks", [])
    if not 1 <= len(blocks) <= 50:
        faults.append(f"{len(blocks)} blocks")
    if sum(map(len, texts(blocks))) > 13_200:
        faults.append("msg_blocks_too_long")
    return faults + check_blocks(blocks, "blocks")


def check_home(payload):
    faults = [f"field {name!r} is unknown" for name in payload.keys() - HOME_FIELDS]
    if payload.get("type") != "home" or len(payload["blocks"]) > 100:
        faults.append(f"a {payload.get('type')} of {len(payload['blocks'])} blocks")
    try:
        View(**payload).validate_json()
    except (SlackObjectFormationError, TypeError) as error:
        faults.append(str(error))
    return faults + check_blocks(payload["blocks"], "blocks")


def check_unfurl(payload):
    faults = [f"field {name!r} is unknown" for name in payload.keys() - {"blocks"}]
    return faults + check_blocks(payload["blocks"], "blocks")


def check_options(payload):
    return [f"{len(payload['options'])} options"] if len(payload["options"]) > 100 else []


def check_view(payload):
    faults = [f"field {name!r} is unknown" for name in payload.keys() - VIEW_FIELDS]
    try:
        View(**payload).validate_json()
    except (SlackObjectFormationError, TypeError) as error:
        faults.append(str(error))
    if len(payload["blocks"]) > 100:
        faults.append(f"{len(payload['blocks'])} blocks")
    ids = [block["block_id"] for block in payload["blocks"] if "block_id" in block]
    if len(ids) != len(set(ids)):
        faults.append("a block_id twice")
    if any(block["type"] == "input" for block in payload["blocks"]) and not payload.get("submit"):
        faults.append("inputs without a submit")
    return faults + check_blocks(payload["blocks"], "blocks")


def empty_text(value, path="payload"):
    """Slack refuses empty texts, which the models let pass."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("text", "url", "value") and inner == "":
                yield f"{path}.{key} is empty"
            yield from empty_text(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from empty_text(inner, f"{path}[{index}]")


RICH_ELEMENTS = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
RICH_INLINES = {"text", "link", "user", "channel", "usergroup", "emoji", "date", "broadcast", "color"}


def deep(value, path="payload"):
    """What the models take without looking inside: rich text, and the options of selects."""
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from deep(inner, f"{path}[{index}]")
    if not isinstance(value, dict):
        return
    if value.get("type") == "rich_text":
        for element in value["elements"]:
            inner = element.get("elements") or []
            if element["type"] not in RICH_ELEMENTS or not inner:
                yield f"{path}: {element['type']} with {len(inner)} elements"
            is_list = element["type"] == "rich_text_list"
            for inline in (inline for item in inner for inline in (item["elements"] if is_list else [item])):
                if inline["type"] not in RICH_INLINES:
                    yield f"{path}: {inline['type']} in rich text"
    for option in value.get("options") or []:
        if len(option["text"]["text"]) > 75 or not 1 <= len(option["value"]) <= 150:
            yield f"{path}: an option too long"
        if len(option.get("description", {}).get("text", "")) > 75:
            yield f"{path}: an option's description too long"
    for key, inner in value.items():
        yield from deep(inner, f"{path}.{key}")


def main(paths):
    checks = {
        "message": check_message, "view": check_view, "home": check_home, "unfurl": check_unfurl, "options": check_options,
    }
    seen, bad, known = Counter(), 0, set()
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                # Two entities can be answered for in the same words.
                if line in known:
                    continue
                known.add(line)
                sample = json.loads(line)
                seen[sample["kind"]] += 1
                faults = checks[sample["kind"]](sample["payload"])
                faults += [*empty_text(sample["payload"]), *deep(sample["payload"])]
                if faults:
                    bad += 1
                    if bad <= 20:
                        print(f"{path}:{number}: {sample['kind']}: " + "; ".join(faults[:5]))
    print(", ".join(f"{count} {kind}" for kind, count in sorted(seen.items())) + f"; {bad} of them not accepted")
    return 1 if bad or not all(seen[kind] for kind in checks) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["target/slack-samples.jsonl"]))
