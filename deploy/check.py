"""Holds what `make deploy-check` cannot leave to a linter: manifests of Kubernetes, compose file, Dockerfile.

    check.py

Prints what is wrong and fails, or prints what was held.
"""

import pathlib
import sys
import tomllib

import kubernetes_validate
import yaml

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent
SERVICES = ["audit", "clients", "gateway", "introspection", "resource-servers", "teams", "tokens"]
problems = []


def hold(condition, problem):
    if not condition:
        problems.append(problem)


def manifests():
    """All documents that kustomization.yaml names; each is of its schema."""
    folder = HERE / "kubernetes"
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    listed = set(kustomization["resources"])
    there = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml", "pod-monitor.yaml"}
    hold(listed == there, f"kustomization.yaml lists {sorted(listed)}, there are {sorted(there)}")
    documents = []
    for name in sorted(listed & there):
        for document in yaml.safe_load_all((folder / name).read_text()):
            try:
                kubernetes_validate.validate(document, "1.33", strict=True)
            except kubernetes_validate.ValidationError as error:
                problems.append(f"{name}: {error.message}")
            documents.append(document)
    return documents


def of_kind(documents, kind):
    return {d["metadata"]["name"]: d for d in documents if d["kind"] == kind}


def check_kubernetes():
    documents = manifests()
    deployments = of_kind(documents, "Deployment")
    hold(sorted(deployments) == SERVICES, f"deployments: {sorted(deployments)}")
    for name, deployment in deployments.items():
        check_deployment(name, deployment["spec"])
    for kind in ("Service", "PodDisruptionBudget", "ServiceAccount"):
        hold(sorted(of_kind(documents, kind)) == SERVICES, f"each process has a {kind}")
    for name, service in of_kind(documents, "Service").items():
        headless = service["spec"].get("clusterIP") == "None"
        hold(headless == (name != "gateway"), f"service {name}: all but the gateway's are headless")
        hold(service["spec"].get("type", "ClusterIP") == "ClusterIP", f"service {name} is open to the outside")
    check_policies(of_kind(documents, "NetworkPolicy"))
    return len(documents)


def check_deployment(name, spec):
    what = f"deployment {name}"
    hold(spec["replicas"] == 2, f"{what}: two replicas")
    pod = spec["template"]["spec"]
    hold(pod["securityContext"]["runAsNonRoot"] is True, f"{what}: not as root")
    hold(pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, f"{what}: seccomp")
    hold(pod["automountServiceAccountToken"] is False, f"{what}: no token of the cluster")
    (container,) = pod["containers"]
    hold(container["command"] == [f"turnpike-{name}"], f"{what}: its program")
    expected = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    hold(container["securityContext"] == expected, f"{what}: may do more than it needs")
    for probe, path in (("readinessProbe", "/readyz"), ("startupProbe", "/readyz"), ("livenessProbe", "/healthz")):
        hold(container[probe]["httpGet"] == {"path": path, "port": "ops"}, f"{what}: {probe} asks {path}")
    hold("limits" in container["resources"] and "requests" in container["resources"], f"{what}: resources")


def check_policies(policies):
    """Only the gateway may be reached by all, and only it reaches the services."""
    nothing = policies["nothing"]["spec"]
    hold(nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}, "policy nothing: closes all")
    gateway = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "gateway"}}}
    for name, policy in policies.items():
        for rule in policy["spec"].get("ingress", []):
            ports = [port["port"] for port in rule["ports"]]
            if policy["spec"]["podSelector"] == gateway["podSelector"]:
                continue
            if ports == ["rpc"]:
                hold(rule.get("from") == [gateway], f"policy {name}: lets others than the gateway call services")
            else:
                hold(ports == ["ops"] and "from" in rule, f"policy {name}: opens {ports}")


def check_compose():
    compose = yaml.safe_load((HERE / "compose.yaml").read_text())
    services = compose["services"]
    for name in SERVICES:
        service = services[name]
        hold(service["command"][0] == f"turnpike-{name}", f"compose {name}: its program")
        hold(service["read_only"] is True and service["cap_drop"] == ["ALL"], f"compose {name}: may do more than it needs")
        hold("no-new-privileges:true" in service["security_opt"], f"compose {name}: no new privileges")
    for name, service in services.items():
        for port in service.get("ports", []):
            hold(str(port).startswith("127.0.0.1:"), f"compose {name}: {port} is open to other machines")
        for other in service.get("depends_on", {}):
            hold(other in services, f"compose {name}: waits for {other}, which is not there")
    return len(services)


def check_docker():
    """The context has all that cargo looks at, and no more."""
    lines = (HERE / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    members = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["members"]
    for folder in {member.split("/")[0] for member in members}:
        hold(folder in let_in, f"Dockerfile.dockerignore keeps {folder} out, and cargo needs it")
    hold(lines[1] == "*", "Dockerfile.dockerignore lets in only what it names")
    text = (HERE / "docker" / "Dockerfile").read_text()
    for name in SERVICES:
        hold(f"-p turnpike-{name}" in text, f"the image lacks turnpike-{name}")


if __name__ == "__main__":
    held = [f"{check_kubernetes()} manifests", f"{check_compose()} containers of compose", "the image's context"]
    check_docker()
    if problems:
        sys.exit("\n".join(problems))
    print(f"deploy: {', '.join(held)}: as they must be")
