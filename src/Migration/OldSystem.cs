namespace CozeCluster.Migration;

/// <summary>A system whose configuration can be read.</summary>
public enum OldSystem
{
    /// <summary>coze-discord-proxy.</summary>
    Cdp,

    /// <summary>coze-chat-proxy.</summary>
    Ccp,

    /// <summary>Coze-Discord-Bridge.</summary>
    Cdb,

    /// <summary>Real-Coze-API.</summary>
    Rca,

    /// <summary>aiproxy.</summary>
    AiProxy,
}

/// <summary>Names of the older systems.</summary>
public static class OldSystems
{
    /// <summary>The modes, as <c>--from</c> and the key <c>compat</c> of a fleet file name them.</summary>
    public static IReadOnlyList<string> Modes { get; } = [.. Enum.GetValues<OldSystem>().Select(ModeOf)];

    /// <summary>The mode of a system: <c>cdp</c>, <c>ccp</c>, <c>cdb</c>, <c>rca</c> or <c>aiproxy</c>.</summary>
    public static string ModeOf(this OldSystem system) => system.ToString().ToLowerInvariant();

    /// <summary>The name under which a system is known.</summary>
    public static string NameOf(this OldSystem system) => system switch
    {
        OldSystem.Cdp => "coze-discord-proxy",
        OldSystem.Ccp => "coze-chat-proxy",
        OldSystem.Cdb => "Coze-Discord-Bridge",
        OldSystem.Rca => "Real-Coze-API",
        _ => "aiproxy",
    };

    /// <summary>The system with a mode, or null.</summary>
    public static OldSystem? Find(string mode) =>
        Enum.GetValues<OldSystem>().Where(system => system.ModeOf() == mode).Select(system => (OldSystem?)system).FirstOrDefault();
}
