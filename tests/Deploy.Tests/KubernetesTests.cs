namespace CozeCluster.Deploy.Tests;

public sealed class KubernetesTests
{
    public static TheoryData<string> Roles => ["silo", "gateway"];

    [Fact]
    public void All_manifests_are_in_the_namespace_and_in_the_kustomization()
    {
        var kustomization = Yaml.Document($"{Manifests.Folder}/kustomization.yaml");
        var applied = kustomization["resources"].Items.Select(file => $"{Manifests.Folder}/{file.Text}").ToList();

        Assert.Equal(
            Files.In(Manifests.Folder, "*.yaml").Where(path => Path.GetFileName(path) is not ("kustomization.yaml" or "fleet.yaml" or "secret.example.yaml")),
            applied.Order(StringComparer.Ordinal));
        Assert.All(
            Manifests.All.Where(manifest => manifest["kind"].Text is not ("Namespace" or "Kustomization")),
            manifest => Assert.Equal("cozecluster", manifest["metadata"]["namespace"].Text));
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void Probes_use_paths_that_a_node_serves(string role)
    {
        var health = Files.Read("src/Gateway/Surfaces/Health/HealthApi.cs");
        var container = Manifests.Container(Manifests.Pod(role));

        foreach (var probe in new[] { "startupProbe", "livenessProbe", "readinessProbe" })
        {
            var path = container[probe]["httpGet"]["path"].Text;
            Assert.Contains($"MapMethods(\"{path}\"", health, StringComparison.Ordinal);
            Assert.Contains(container["ports"].Items, port => port["name"].Text == container[probe]["httpGet"]["port"].Text);
        }
        // With /health/ready as the liveness probe, Kubernetes would restart nodes again and again while the database is down.
        Assert.Equal("/health/live", container["livenessProbe"]["httpGet"]["path"].Text);
        Assert.Equal("/health/ready", container["readinessProbe"]["httpGet"]["path"].Text);
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void A_pod_has_enough_time_to_drain(string role)
    {
        var notice = Files.Seconds(Manifests.Settings["COZECLUSTER_DRAIN_NOTICE"].Text);

        var drainTime = Files.Seconds(Manifests.Settings["COZECLUSTER_DRAIN_TIME"].Text);

        Assert.True(Manifests.Pod(role)["terminationGracePeriodSeconds"].Number > notice + drainTime + 10);
        Assert.True(notice > 0);
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public void Pods_of_a_role_are_spread_and_stop_one_at_a_time(string role)
    {
        var labels = new Dictionary<string, string> { ["app"] = "cozecluster", ["role"] = role };
        var deployment = Manifests.One("Deployment", role)["spec"];
        var pod = Manifests.Pod(role);
        var budget = Manifests.One("PodDisruptionBudget", role)["spec"];
        Yaml[] selectors =
        [
            deployment["selector"]["matchLabels"], deployment["template"]["metadata"]["labels"], budget["selector"]["matchLabels"],
            pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"].Items[0]["podAffinityTerm"]["labelSelector"]["matchLabels"],
            pod["topologySpreadConstraints"].Items[0]["labelSelector"]["matchLabels"],
            Manifests.One("NetworkPolicy", role)["spec"]["podSelector"]["matchLabels"],
        ];

        Assert.All(selectors, selector => Assert.Equal(labels, selector.Map.ToDictionary(pair => pair.Key, pair => pair.Value.Text)));
        Assert.Equal(1, budget["maxUnavailable"].Number);
        Assert.Equal(0, deployment["strategy"]["rollingUpdate"]["maxUnavailable"].Number);
        Assert.Equal(role, Manifests.Container(pod)["env"].Items.Single(variable => variable["name"].Text == "COZECLUSTER_ROLE")["value"].Text);
    }

    [Fact]
    public void No_pod_runs_as_root_or_writes_to_its_image() => Assert.All(
        Manifests.All.Where(manifest => manifest["kind"].Text is "Deployment" or "Job").Select(manifest => manifest["spec"]["template"]["spec"]),
        pod =>
        {
            var security = Manifests.Container(pod)["securityContext"];
            Assert.Equal("true", pod["securityContext"]["runAsNonRoot"].Text);
            Assert.Equal("RuntimeDefault", pod["securityContext"]["seccompProfile"]["type"].Text);
            Assert.Equal("true", security["readOnlyRootFilesystem"].Text);
            Assert.Equal("false", security["allowPrivilegeEscalation"].Text);
            Assert.Equal("ALL", Assert.Single(security["capabilities"]["drop"].Items).Text);
            Assert.Equal("false", pod["automountServiceAccountToken"].Text);
        });

    [Fact]
    public void The_autoscaler_uses_a_metric_that_nodes_export()
    {
        var autoscaler = Manifests.One("HorizontalPodAutoscaler", "gateway")["spec"];
        var metric = Assert.Single(autoscaler["metrics"].Items)["pods"]["metric"]["name"].Text;

        Assert.Contains($"Counter<long>(\"{metric.Replace('_', '.')}\"", Files.Read("src/Gateway/Metrics/GatewayMetrics.cs"), StringComparison.Ordinal);
        Assert.Contains($"`{metric}`", Files.Read("docs/operations.md"), StringComparison.Ordinal);
        Assert.Equal("gateway", autoscaler["scaleTargetRef"]["name"].Text);
        // With replicas in the deployment, each update would undo the decision of the autoscaler.
        Assert.False(Manifests.One("Deployment", "gateway")["spec"]["replicas"].Exists);
        Assert.True(autoscaler["minReplicas"].Number >= 2);
    }

    [Fact]
    public void Gateways_have_no_secret_but_the_connection_string()
    {
        var pod = Manifests.Pod("gateway");

        Assert.Equal("COZECLUSTER_POSTGRES", Assert.Single(pod.All, part => part["secretKeyRef"].Exists)["secretKeyRef"]["key"].Text);
        Assert.DoesNotContain(pod.All, part => part["secretRef"].Exists);
        Assert.False(Yaml.Document("deploy/compose.yaml")["services"]["gateway"]["env_file"].Exists);
    }

    [Fact]
    public void Pods_use_only_config_maps_and_secrets_that_are_declared()
    {
        var declared = Manifests.Of("ConfigMap").Concat(Manifests.Of("Secret")).Select(manifest => manifest["metadata"]["name"].Text)
            .Append(Yaml.Document($"{Manifests.Folder}/kustomization.yaml")["configMapGenerator"].Items[0]["name"].Text).ToHashSet();
        var used = Manifests.All.SelectMany(manifest => manifest.All)
            .SelectMany(part => new[] { part["configMapRef"], part["secretRef"], part["secretKeyRef"], part["configMap"] })
            .Where(reference => reference.Exists).Select(reference => reference["name"].Text).ToHashSet();

        Assert.Equal(["fleet", "secrets", "settings"], used.Order());
        Assert.Superset(used, declared);
    }
}
