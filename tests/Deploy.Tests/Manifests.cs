namespace CozeCluster.Deploy.Tests;

/// <summary>The manifests in <c>deploy/kubernetes</c>.</summary>
internal static class Manifests
{
    public const string Folder = "deploy/kubernetes";

    public static IReadOnlyList<Yaml> All { get; } =
        [.. Files.In(Folder, "*.yaml").Where(path => !path.EndsWith("/fleet.yaml", StringComparison.Ordinal)).SelectMany(Yaml.Documents)];

    public static Yaml Settings => One("ConfigMap", "settings")["data"];

    public static IEnumerable<Yaml> Of(string kind) => All.Where(manifest => manifest["kind"].Text == kind);

    public static Yaml One(string kind, string name) => Of(kind).Single(manifest => manifest["metadata"]["name"].Text == name);

    /// <summary>The pod template of a role.</summary>
    public static Yaml Pod(string role) => One("Deployment", role)["spec"]["template"]["spec"];

    public static Yaml Container(Yaml pod) => Assert.Single(pod["containers"].Items);
}
