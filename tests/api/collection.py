"""Whether every request of the collection was sent and every assertion held."""

import json
import sys

report, collection = sys.argv[1:]
wanted = sum(line.startswith("###") for line in open(collection))
with open(report) as file:
    said = json.load(file)
summary = said["summary"]
print(json.dumps(summary))
failed = [request for request in said["requests"] if any(test["status"] != "SUCCESS" for test in request.get("testResults") or [])]
for request in failed:
    print(json.dumps(request, indent=2)[:2000], file=sys.stderr)
tested = [request for request in said["requests"] if request.get("testResults")]
if failed or len(tested) != wanted or summary.get("erroredRequests") or summary.get("skippedRequests"):
    sys.exit(f"api-test: of {wanted} requests {len(tested)} were tested and {len(failed)} failed")
