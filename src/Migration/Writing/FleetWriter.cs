using System.Text;

namespace CozeCluster.Migration.Writing;

/// <summary>Writes a fleet file, section by section.</summary>
internal sealed class FleetWriter(OldFleet fleet, FleetTextOptions options)
{
    private readonly StringBuilder _text = new();
    private readonly SortedDictionary<string, string> _variables = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _missing = new(StringComparer.Ordinal);

    public FleetText Write()
    {
        foreach (var secret in fleet.OtherSecrets) Remember(secret);
        WriteSections();
        var head = Head();
        return new FleetText(head + _text, _variables, [.. _missing]);
    }

    private void WriteSections()
    {
        if (fleet.HasUserAccounts)
        {
            Comment("The old program sent with accounts of persons, and so does this fleet. Discord's terms forbid that and may ban them: docs/discord.md.");
            Line("allow_user_accounts: true");
            Line();
        }
        if (options.AllowWeakKeys) Line("allow_weak_keys: true");
        else Comment("Keys that are easy to guess, and requests without a key, are refused from other machines unless this is set:\nallow_weak_keys: true");
        Line();
        WriteTelegram();
        Section("endpoints", fleet.Endpoints, WriteEndpoint);
        Section("tenants", fleet.Tenants, WriteTenant);
        Section("listeners", fleet.Listeners, WriteListener);
        Section("accounts", fleet.Accounts, WriteAccount);
        Section("bots", fleet.Bots, WriteBot);
        Section("models", fleet.Models, WriteModel);
    }

    private string Head()
    {
        var head = new StringBuilder();
        var files = fleet.Files.Count == 0 ? "the environment" : string.Join(", ", fleet.Files);
        head.Append($"# Made from the configuration of {fleet.System.NameOf()}: {YamlText.Comment(files)}\n");
        if (_variables.Count > 0 && options.VariablesFile is { } name)
            head.Append($"# Its secrets are in {YamlText.Comment(name)}. Before a start:  set -a; . ./{YamlText.Comment(name)}; set +a\n");
        if (_missing.Count > 0) head.Append($"# Set these variables before a start: {YamlText.Comment(string.Join(", ", _missing))}\n");
        if (fleet.Notes.Count > 0) head.Append("#\n# Notes\n");
        foreach (var note in fleet.Notes) head.Append($"# {(note.IsImportant ? "!" : "-")} {NoteText(note.Text)}\n");
        return head.Append('\n').ToString();
    }

    private void WriteTelegram()
    {
        if (fleet.Telegram is not { } telegram) return;
        Line("notifications:");
        Line("  telegram:");
        Entry("    token", telegram.Token, telegram.From);
        Line($"    chat_id: {YamlText.Value(telegram.ChatId)}");
        Line();
    }

    private void WriteEndpoint(OldEndpoint endpoint)
    {
        Line($"  - id: {endpoint.Id}");
        if (endpoint.Port is { } port) Line($"    port: {port}{End(endpoint.From)}");
        else Line("    host: 127.0.0.1");
        Line($"    compat: {fleet.System.ModeOf()}");
        if (endpoint.Anonymous is { } tenant) Line($"    anonymous: {tenant}{End(endpoint.AnonymousFrom)}");
        if (endpoint.RequestsPerMinute is { } limit) Entry($"    {limit.Name}", limit.Value, limit.From);
        if (endpoint.Networks.Count > 0) Line($"    networks: [{string.Join(", ", endpoint.Networks.Select(network => $"\"{network}\""))}]");
        Entries("    ", "options", endpoint.Options);
    }

    private void WriteTenant(OldTenant tenant)
    {
        Line($"  - id: {tenant.Id}{End(tenant.From)}");
        if (tenant.DefaultModel is { } model) Line($"    default_model: {YamlText.Value(model)}");
        Entries("    ", "aliases", tenant.Aliases);
        Line("    keys:");
        if (tenant.Keys.Count == 0)
        {
            Line("      - name: none");
            Line($"        hash: \"{FleetText.NoKey}\"   # no key has it: only requests without a key act for this tenant");
        }
        foreach (var key in tenant.Keys)
        {
            Line($"      - name: {YamlText.Value(key.Name)}");
            Entry("        key", key.Value, key.From);
        }
    }

    private void WriteListener(OldListener listener)
    {
        Line($"  - id: {listener.Id}");
        if (listener.BaseUrl is { } url) Line($"    base_url: {YamlText.Value(url)}");
        Entry("    token", listener.Token, listener.From);
        Entry("    guild_id", listener.GuildId, "");
        if (listener.Proxy is { } proxy) Entry("    proxy", proxy, "");
    }

    private void WriteAccount(OldAccount account)
    {
        Line($"  - id: {account.Id}");
        Line($"    upstream: {account.Upstream}");
        if (account.BaseUrl is { } url) Line($"    base_url: {YamlText.Value(url)}");
        Entry("    token", account.Token, account.From);
        if (account.Proxy is { } proxy) Entry("    proxy", proxy, "");
        Entries("    ", "options", account.Options);
    }

    private void WriteBot(OldBot bot)
    {
        Line($"  - id: {bot.Id}");
        Line($"    upstream: {bot.Upstream}");
        Entry("    bot_id", bot.BotId, bot.From);
        Line($"    accounts: [{string.Join(", ", bot.Accounts)}]");
        Entries("    ", "timeouts", bot.Timeouts);
        Entries("    ", "keep_active", bot.KeepActive);
        Entries("    ", "options", bot.Options);
    }

    private void WriteModel(OldModel model)
    {
        Line($"  - id: {YamlText.Value(model.Id)}{End(model.From)}");
        Line($"    bots: [{string.Join(", ", model.Bots)}]");
        if (model.Tenants.Count > 0) Line($"    tenants: [{string.Join(", ", model.Tenants)}]");
        if (model.IsHidden) Line("    hidden: true");
    }

    private void Section<T>(string name, IReadOnlyList<T> items, Action<T> write)
    {
        if (items.Count == 0) return;
        Line($"{name}:");
        foreach (var item in items) write(item);
        Line();
    }

    private void Entries(string indentation, string name, IReadOnlyList<OldOption> entries)
    {
        if (entries.Count == 0) return;
        Line($"{indentation}{name}:");
        foreach (var entry in entries) Entry($"{indentation}  {YamlText.Key(entry.Name)}", entry.Value, entry.From);
    }

    private void Entry(string start, FleetValue value, string from)
    {
        Remember(value);
        var isReference = value.Variable is not null && (value.Text is null || !options.InlineSecrets);
        Line($"{start}: {(isReference ? YamlText.Reference(value.Variable!) : YamlText.Value(value.Text!))}{End(from)}");
    }

    private void Remember(FleetValue value)
    {
        if (value.Variable is not { } variable) return;
        if (value.Text is not { } secret) _missing.Add(variable);
        else if (!options.InlineSecrets || fleet.OtherSecrets.Contains(value)) _variables[variable] = secret;
    }

    private void Comment(string text)
    {
        foreach (var line in text.Split('\n')) Line($"# {line}");
    }

    private void Line(string text = "") => _text.Append(text).Append('\n');

    private static string End(string from) => from.Length == 0 ? "" : $"   # {YamlText.Comment(from)}";

    // Notes are sentences of ours with short names of theirs.
    private static string NoteText(string text) => string.Concat(text.Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? ' ' : c));
}
