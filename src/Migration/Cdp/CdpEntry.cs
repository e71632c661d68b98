using CozeCluster.Migration.Sources;

namespace CozeCluster.Migration.Cdp;

/// <summary>One entry of <c>bot_config.json</c>: a bot, and the requests that reach it.</summary>
/// <param name="Secret">The API key of these requests; null: any.</param>
/// <param name="BotId">The bot that Coze hosts.</param>
/// <param name="Models">What a model that is asked for contains; empty: anything.</param>
/// <param name="ChannelId">The channel, if there is one for the bot.</param>
/// <param name="From">Where it is.</param>
internal sealed record CdpEntry(string? Secret, string BotId, IReadOnlyList<string> Models, string? ChannelId, string From)
{
    /// <summary>Reads the file.</summary>
    public static IReadOnlyList<CdpEntry> ReadAll(ReadContext context, SourceNode document)
    {
        var entries = context.Maps(document, "").Select(Read).OfType<CdpEntry>().ToList();
        if (entries.Count == 0 && document.Items is { Count: 0 }) context.Note($"{document.Place.File} has no entries; COZE_BOT_ID is used.");
        return entries;
    }

    private static CdpEntry? Read(Section section)
    {
        var models = section.Texts("model");
        var botId = section.Snowflake("cozeBotId");
        if (!section.Has("cozeBotId")) section.Report("cozeBotId", "The id of a bot is missing.");
        section.NoteWithout("The length of a prompt is limited by what Discord takes, not by a number of tokens.", "messageMaxToken");
        var entry = new CdpEntry(section.Token("proxySecret"), botId ?? "", models, section.Snowflake("channelId"), section.Place.ToString());
        section.NoteUnknown();
        return botId is null ? null : entry;
    }
}
