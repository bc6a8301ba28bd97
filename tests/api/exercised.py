"""Whether every operation of the description was answered well at least once: a server that refuses everything would pass every check."""

import json
import re
import sys

description, metrics = sys.argv[1:]
with open(description) as file:
    operations = [operation["operationId"] for path in json.load(file)["paths"].values() for operation in path.values()]
counted = {}
with open(metrics) as file:
    for line in file:
        sample = re.match(r"boxoffice_requests_total\{(.*)\} (\d+)", line)
        if sample:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', sample[1]))
            counted.setdefault(labels["route"], {}).setdefault(labels["status"][0] + "xx", 0)
            counted[labels["route"]][labels["status"][0] + "xx"] += int(sample[2])
for operation in (name for name in operations if not name.startswith("host.")):
    print(f"{operation:20}", *(f"{status} {count:5}" for status, count in sorted(counted.get(operation, {}).items())))
# The host counts by the module's routes; its own are fetched by `run`, the collection and the client.
never = [name for name in operations if not name.startswith("host.") and not counted.get(name, {}).get("2xx")]
failed = [operation for operation in operations if counted.get(operation, {}).get("5xx")]
if never or failed:
    sys.exit(f"api-test: never answered well: {never}; failed: {failed}")
