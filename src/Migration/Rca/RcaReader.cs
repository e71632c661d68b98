using CozeCluster.Migration.Sources;

namespace CozeCluster.Migration.Rca;

/// <summary>
/// Reads the configuration of the servers of Real-Coze-API: <c>.env</c>, and the <c>config.json</c> of a bot. Only the bot, the proxy and the port still mean
/// something: Coze's official API takes a token and not the cookie of a browser.
/// </summary>
internal static class RcaReader
{
    private const int DefaultPort = 8080;

    /// <exception cref="MigrationException">The configuration is wrong.</exception>
    public static OldFleet Read(OldInputs inputs)
    {
        var context = new ReadContext(OldSystem.Rca);
        var variables = new Section(context, inputs.Variables);
        var config = new Section(context, inputs.Document ?? SourceNode.Map(inputs.Variables.Place, []));
        var (botId, from) = config.Has("bot_id") ? (config.Token("bot_id"), config.From("bot_id")) : (variables.Token("bot_id"), variables.From("bot_id"));
        if (botId is { Length: > 100 }) context.Report(config.Place, "bot_id: Expected an id of at most 100 characters.");
        if (botId is null)
            context.Report(inputs.Document?.Place ?? variables.Place, "bot_id: The id of the bot is missing. It is the number at the end of its page.");
        var proxy = context.Proxy(variables, "proxy");

        var tenant = new OldTenant("rca", "the old servers asked for no key") { DefaultModel = "coze" };
        tenant.Aliases.Add(new OldOption("*", FleetValue.Plain("coze")));
        context.Fleet.Tenants.Add(tenant);
        context.Fleet.Endpoints.Add(
            new OldEndpoint("real-coze-api", (int?)variables.Number("server_port", 1, 65535) ?? DefaultPort, variables.From("server_port"))
            {
                Anonymous = tenant.Id, AnonymousFrom = "the old servers asked for no key",
            });
        context.Fleet.Accounts.Add(new OldAccount("coze", "coze", context.Secret("COZE_TOKEN", null)) { Proxy = proxy });
        context.Fleet.Bots.Add(new OldBot("bot", "coze", FleetValue.Plain(botId ?? ""), ["coze"], from));
        context.Fleet.Models.Add(new OldModel("coze", ["bot"], []));

        context.Note(
            "session_id, the cookie of a browser, is of no use with Coze's official API. Make a token (docs/coze.md), publish the bot to the API channel, "
            + "and set COZE_TOKEN.",
            isImportant: true);
        context.Note("Requests need no key. Other machines are served only with allow_weak_keys: true.", isImportant: true);
        variables.Text("session_id");
        variables.NoteWithout("It has no counterpart: nothing of Coze's pages is stored.", "temp_path", "tmp_path");
        variables.NoteWithout("A bot's id is enough.", "space_id");
        variables.Text("bot_config_path");
        variables.NoteUnknown();
        if (config.Has("work_info"))
            context.Note("The prompt, the model and the plugins in config.json are those of the published bot; what config.json says of them is not used.");
        return context.Finish();
    }
}
