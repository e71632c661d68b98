namespace CozeCluster.Silo.Fleets;

/// <summary>Reads <c>listeners</c>.</summary>
internal static class ListenerSection
{
    // Far more than the largest bots there are.
    private const int MostShards = 10_000;

    public static IReadOnlyList<DeclaredListener> Read(FleetField section) =>
        [.. section.List("listener").Select(item => item.Map(Listener)).OfType<DeclaredListener>()];

    private static DeclaredListener Listener(FleetMap map)
    {
        var id = map.Required("id");
        var token = map.Optional("token");
        var file = map.Optional("token_file");
        if (token.Exists == file.Exists) map.Report(token.Exists ? "Expected either 'token' or 'token_file', found both." : "Either 'token' or 'token_file' is missing.");
        var definition = new ListenerDefinition
        {
            Id = id.Id(),
            Token = FleetListener.NoSecret,
            GuildId = map.Required("guild_id").Snowflake(),
            BaseUrl = map.Optional("base_url").BaseUrl() ?? KnownUpstreams.DiscordUrl,
            GatewayUrl = map.Optional("gateway_url").SocketUrl(),
            Shards = map.Optional("shards").Number(1, MostShards) ?? 1,
        };
        return new DeclaredListener(id, token.Exists ? token : file, new FleetListener(definition, token.Token(file) ?? "", map.Optional("proxy").Proxy()));
    }
}
