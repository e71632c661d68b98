using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Tests.Hosting;

/// <summary>Settings of a node nobody told anything but to run.</summary>
internal static class TestSettings
{
    public static NodeSettings Default { get; } =
        NodeSettings.Read(new SettingSource(new Dictionary<string, string> { ["sandbox"] = "true" }, new Dictionary<string, string?>(), Path.GetTempPath()), Path.GetTempPath());
}
