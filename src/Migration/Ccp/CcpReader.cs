using CozeCluster.Migration.Sources;

namespace CozeCluster.Migration.Ccp;

/// <summary>Reads the configuration of coze-chat-proxy: variables, also from <c>.env</c>, and <c>bot.json</c>.</summary>
internal static class CcpReader
{
    private const int DefaultPort = 8080;

    // What the old program accepted if nobody had chosen a key. Everybody can know it.
    private const string DefaultKey = "1234567890:ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    /// <exception cref="MigrationException">The configuration is wrong.</exception>
    public static OldFleet Read(OldInputs inputs)
    {
        var context = new ReadContext(OldSystem.Ccp);
        var variables = new Section(context, inputs.Variables);
        var entries = inputs.Document is { } document ? context.Maps(document, "") : [];
        if (entries.Count == 0) context.Report(inputs.Document?.Place ?? variables.Place, "bot.json with at least one bot is missing.");
        var bots = new CcpBots(context);
        foreach (var entry in entries) bots.Add(entry);
        bots.Finish();
        ReadTenant(context, variables);
        context.Fleet.Endpoints.Add(
            new OldEndpoint("coze-chat-proxy", (int?)variables.Number("SERVER_PORT", 1, 65535) ?? DefaultPort, variables.From("SERVER_PORT")));
        if (variables.Text("LOG_LEVEL") is { } level)
            context.Note($"LOG_LEVEL: start the node with --log-level {ReadContext.Printable(level).ToLowerInvariant()}.");
        variables.Text("BOT_CONFIG");
        if (!inputs.IsProcess) variables.NoteUnknown();
        return context.Finish();
    }

    private static void ReadTenant(ReadContext context, Section variables)
    {
        var from = variables.From("AUTH_TOKEN");
        var key = variables.Token("AUTH_TOKEN");
        if (key is null) context.Note("AUTH_TOKEN is not set, so its public default is the key. Choose another one: openssl rand -hex 24", isImportant: true);
        var tenant = new OldTenant("ccp", from);
        tenant.Keys.Add(new OldOption("auth-token", context.Secret("AUTH_TOKEN", key ?? DefaultKey), from));
        context.Fleet.Tenants.Add(tenant);
    }
}
