using static CozeCluster.Sandbox.DirectiveValue;

namespace CozeCluster.Sandbox.Discord;

/// <summary>The directives of the Coze-hosted bots. Each changes a <see cref="CozeBotScript"/>.</summary>
internal static class CozeBotDirectives
{
    private const int MaxStep = 1_000;

    /// <summary>Parses directives into a script.</summary>
    public static readonly DirectiveParser<CozeBotScript> Parser = new(
        new Dictionary<string, Func<CozeBotScript, string?, CozeBotScript>>(StringComparer.Ordinal)
        {
            // Content.
            ["say"] = (s, v) => s with { Say = Text(v) },
            ["length"] = (s, v) => s with { Length = Number(v, 1, 100_000) },
            ["text"] = (s, v) => s with { Unicode = OneOf(v, ("plain", false), ("unicode", true)) },
            ["full"] = (s, v) => s with { Full = Flag(v) },
            ["context"] = (s, v) => s with { Context = Number(v, 0, 1) == 1 },
            ["notice"] = (s, v) => s with { Notice = NoticeName(v) },
            ["image"] = (s, v) => s with { Image = OneOf(v, ("embed", ReplyImage.Embed), ("attachment", ReplyImage.Attachment), ("link", ReplyImage.Link)) },
            ["buttons"] = (s, v) => s with { Buttons = Number(v, 0, 5) },
            ["labels"] = (s, v) => s with { Labels = [.. Text(v).Split('|').Take(5)] },

            // Timing.
            ["chunks"] = (s, v) => s with { Chunks = Number(v, 1, MaxStep) },
            ["pace"] = (s, v) => s with { Pace = Duration(v) },
            ["jitter"] = (s, v) => s with { Jitter = Number(v, 0, 90) },
            ["first_byte"] = (s, v) => s with { FirstByte = Duration(v) },
            ["pause"] = (s, v) => s with { Pause = Duration(v) },
            ["typing"] = (s, v) => s with { Typing = Number(v, 0, 1) == 1 },

            // Form of the messages.
            ["form"] = (s, v) => s with { Link = OneOf(v, ("reply", PromptLink.Reply), ("mention", PromptLink.Mention), ("plain", PromptLink.None)) },
            ["overflow"] = (s, v) => s with { Overflow = OneOf(v, ("reply", OverflowMode.Reply), ("plain", OverflowMode.Plain), ("cut", OverflowMode.Cut)) },
            ["page"] = (s, v) => s with { PageLength = Number(v, 100, MessageValidator.MaxContentLength) },
            ["whole_words"] = (s, v) => s with { WholeWords = Flag(v) },
            ["v2"] = (s, v) => s with { ComponentsV2 = Flag(v) },
            ["buttons_apart"] = (s, v) => s with { ButtonsApart = Flag(v) },
            ["placeholder"] = (s, v) => s with { Placeholder = v ?? "Thinking…" },
            ["rewrite"] = (s, v) => s with { RewriteAt = Number(v, 2, MaxStep) },

            // Faults.
            ["silent"] = (s, v) => s with { Silent = Flag(v) },
            ["stop_after"] = (s, v) => s with { StopAfter = Number(v, 1, MaxStep) },
            ["late_text"] = (s, v) => s with { LateText = Text(v) },
            ["late_after"] = (s, v) => s with { LateAfter = Duration(v) },
            ["stale"] = (s, v) => s with { Stale = Flag(v) },
            ["duplicate"] = (s, v) => s with { Duplicate = Flag(v) },
            ["drop"] = (s, v) => s with { DropAt = Number(v, 1, MaxStep) },
            ["op7"] = (s, v) => s with { ReconnectAt = Number(v, 1, MaxStep) },
            ["op9"] = (s, v) => s with { InvalidateAt = Number(v, 1, MaxStep) },
        },
        error => CozeBotScript.Default with { DirectiveError = error });

    private static string NoticeName(string? value) => CozeNotices.All.ContainsKey(Text(value))
        ? value!
        : throw new DirectiveException($"'{value}' is none of {string.Join(", ", CozeNotices.All.Keys)}");
}
