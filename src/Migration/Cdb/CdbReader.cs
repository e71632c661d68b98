using System.Globalization;
using System.Net;
using CozeCluster.Migration.Sources;

namespace CozeCluster.Migration.Cdb;

/// <summary>Reads the configuration of Coze-Discord-Bridge: <c>Config.yml</c>, and the variables of its container.</summary>
internal static class CdbReader
{
    private const int DefaultPort = 8092;
    private const int DefaultTlsPort = 8093;

    /// <exception cref="MigrationException">The configuration is wrong.</exception>
    public static OldFleet Read(OldInputs inputs)
    {
        var context = new ReadContext(OldSystem.Cdb);
        var variables = new Section(context, inputs.Variables);
        var config = new Section(context, inputs.Document ?? SourceNode.Map(inputs.Variables.Place, []));
        var bots = new CdbBots(context, config);
        foreach (var bot in config.Maps("Bots")) bots.Add(bot, "Key", ["Token", "Discord_Bot_Token"], "Server_id", "CozeBot_id", "CreateChannel_Category");
        // Builds before the list of bots had one at the top of the file.
        if (config.Has("CozeBot_id"))
            bots.Add(config, "APIKey", ["Discord_Bot_Token"], "CozeBot_InServer_id", "CozeBot_id", "Discord_CreateChannel_Category");
        var reads = !(config.Flag("Disable_ENV_Read") ?? false);
        if (reads && variables.Has("coze_bot")) bots.Add(variables, "key", ["token"], "discord_server", "coze_bot", "");
        if (context.Fleet.Bots.Count == 0) context.Report(config.Place, "Bots: There is no bot.");
        ReadEndpoints(context, config, bots.Anonymous);
        ReadCertificate(context, config);
        NoteOthers(context, config, inputs.ConversationFiles);
        config.NoteUnknown();
        return context.Finish();
    }

    private static void ReadEndpoints(ReadContext context, Section config, string? anonymous)
    {
        var (options, networks) = (ReadOptions(config), ReadNetworks(context, config));
        AddEndpoint("bridge", "APIPort", DefaultPort);
        AddEndpoint("bridge-tls", "APISSLPort", config.Has("APISSL_keyStorePath") ? DefaultTlsPort : 0);
        if (context.Fleet.Endpoints.Count == 0) context.Report(config.Place, "APIPort and APISSLPort are both 0, so nothing listened.");
        if (anonymous is not null)
            context.Note("A bot has no key, so requests need none. Other machines are served only with allow_weak_keys: true.", isImportant: true);

        void AddEndpoint(string id, string key, int defaultPort)
        {
            var port = (int)(config.Number(key, 0, 65535) ?? defaultPort);
            if (port == 0 || (id == "bridge-tls" && !config.Has("APISSL_keyStorePath"))) return;
            context.Fleet.Endpoints.Add(new OldEndpoint(id, port, config.From(key))
            {
                Anonymous = anonymous, AnonymousFrom = "a bot without Key", Networks = networks, Options = options,
            });
        }
    }

    private static IReadOnlyList<string> ReadNetworks(ReadContext context, Section config)
    {
        var addresses = config.Tokens("API_IP_WhiteList_IPs");
        if (config.Flag("API_IP_WhiteList") != true) return [];
        if (!addresses.All(address => IPAddress.TryParse(address, out _))) config.Report("API_IP_WhiteList_IPs", "Expected IP addresses.");
        if (addresses.Count > 0) return addresses;
        context.Note("API_IP_WhiteList is on and API_IP_WhiteList_IPs is empty, so only this machine is answered.");
        return ["127.0.0.1"];
    }

    private static List<OldOption> ReadOptions(Section config)
    {
        var options = new List<OldOption>();
        const string Mode = "OpenAPI_Chat_Default_Models2Conversation";
        Add(Mode, "flatten", config.Number(Mode, 0, 3)?.ToString(CultureInfo.InvariantCulture));
        Add("OpenAPI_Chat_Default_Channel", "default_conversation", config.Text("OpenAPI_Chat_Default_Channel"));
        Add("OpenAPI_Chat_MsgForward_Prefix", "prefix", config.Text("OpenAPI_Chat_MsgForward_Prefix"));
        Add("OpenAPI_Chat_MsgForward_Suffix", "suffix", config.Text("OpenAPI_Chat_MsgForward_Suffix"));
        Add("OpenAPI_ImageGenerate_Default_Channel", "image_conversation", config.Text("OpenAPI_ImageGenerate_Default_Channel"));
        Add("OpenAI_ImageGenerate_Prompt_Prefix", "image_prefix", config.Text("OpenAI_ImageGenerate_Prompt_Prefix"));
        Add("OpenAI_ImageGenerate_Prompt_Suffix", "image_suffix", config.Text("OpenAI_ImageGenerate_Prompt_Suffix"));
        Add("Keepalive_sendChannel", "keepalive_conversation", config.Text("Keepalive_sendChannel"));
        Add("Keepalive_sendMessage", "keepalive_message", config.Text("Keepalive_sendMessage"));
        return options;

        void Add(string key, string name, string? value)
        {
            if (value is not null) options.Add(new OldOption(name, FleetValue.Plain(value), config.From(key)));
        }
    }

    private static void ReadCertificate(ReadContext context, Section config)
    {
        var password = config.Text("APISSL_keyStorePassword");
        if (config.Text("APISSL_keyStorePath") is not { } path) return;
        var file = ReadContext.Printable(path);
        var port = config.Number("APISSLPort", 0, 65535) ?? DefaultTlsPort;
        if (port == 0) return;
        context.Note(Path.GetExtension(path).ToLowerInvariant() is ".pfx" or ".p12" or ".pem" or ".crt"
            ? $"HTTPS: start the node with --urls \"https://*:{port}\" --certificate {file}."
            : $"HTTPS: {file} is a Java key store. Convert it: keytool -importkeystore -srckeystore {file} -destkeystore certificate.pfx "
            + $"-deststoretype PKCS12; then start the node with --urls \"https://*:{port}\" --certificate certificate.pfx.");
        if (password is not null) context.Fleet.OtherSecrets.Add(context.Secret("COZECLUSTER_CERTIFICATE_PASSWORD", password));
    }

    private static void NoteOthers(ReadContext context, Section config, IReadOnlyList<string> conversations)
    {
        config.NoteWithout("The node serves requests without a thread for each; max_concurrent_turns of a tenant limits them.", "APIMaxThread");
        if (config.Flag("Disable_Name_Cache") == true) context.Note("Disable_Name_Cache has no counterpart: conversations have names, and keep them.");
        if (config.Flag("Disable_ENV_Read") == true) context.Note("Disable_ENV_Read has no counterpart: the node has settings of its own.");
        config.NoteWithout("It has no counterpart, because nothing needs it.", "Version", "Version_minSupport");
        foreach (var file in conversations.Take(ReadContext.MaxNoted))
            context.Note($"{file}: Names of conversations begin anew. Their old channels on the server stay; delete them when nobody needs them.");
        context.Note(
            "Channels of the server that the Bridge made are not deleted. The node makes channels of its own, "
            + "and deletes one 365 days after the last turn of its conversation.");
    }
}
