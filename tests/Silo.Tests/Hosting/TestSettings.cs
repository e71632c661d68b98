using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Tests.Hosting;

/// <summary>The default settings of a node in sandbox mode.</summary>
internal static class TestSettings
{
    private static readonly Dictionary<string, string> CommandLine = new() { ["sandbox"] = "true" };

    public static NodeSettings Default { get; } =
        NodeSettings.Read(new SettingSource(CommandLine, new Dictionary<string, string?>(), Path.GetTempPath()), Path.GetTempPath());
}
