using System.Text;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// Renders a card as Markdown, for replies that consist of nothing else: clients that do not know cards would show nothing. <c>docs/coze.md</c> has the rule.
/// Coze documents no form of cards, so the rule goes by the names of members and not by their places.
/// </summary>
internal static class CozeCards
{
    private const int MaxDepth = 32;
    private const int MaxLines = 200;

    private static readonly HashSet<string> TextNames = new(StringComparer.OrdinalIgnoreCase)
    {
        "title", "subtitle", "header", "heading", "text", "content", "body", "description", "desc", "summary", "markdown", "message", "caption", "label", "tip",
    };

    private static readonly string[] KindNames = ["type", "tag", "component", "component_type", "kind"];

    private static readonly string[] AddressNames = ["url", "link", "href", "jump_url", "target_url", "image_url", "img_url", "src"];

    /// <summary>Renders a card.</summary>
    /// <param name="content">The card as Coze sent it.</param>
    /// <returns>Markdown; the card itself as a block of code if it has neither texts nor buttons nor images.</returns>
    public static string ToMarkdown(string content)
    {
        var lines = new List<(string Text, bool IsButton)>();
        if (LenientJson.TryParse(content) is { } card) Render(card, null, lines, 0);
        else if (!string.IsNullOrWhiteSpace(content)) return content;
        if (lines.Count == 0) return $"```json\n{content}\n```";

        var text = new StringBuilder();
        for (var i = 0; i < lines.Count; i++)
        {
            if (i > 0) text.Append(lines[i].IsButton && lines[i - 1].IsButton ? "\n" : "\n\n");
            text.Append(lines[i].Text);
        }
        return text.ToString();
    }

    private static void Render(JsonElement element, string? name, List<(string Text, bool IsButton)> lines, int depth)
    {
        if (depth > MaxDepth || lines.Count >= MaxLines) return;
        switch (element.ValueKind)
        {
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray()) Render(item, name, lines, depth + 1);
                break;
            case JsonValueKind.Object when IsOfKind(element, "button") && FindText(element, depth) is { } label:
                lines.Add((FindAddress(element, depth) is { } target ? Link(label, target) : $"- {label}", IsButton: true));
                break;
            case JsonValueKind.Object when IsOfKind(element, "image", "img", "picture") && FindAddress(element, depth) is { } address:
                lines.Add(("!" + Link(FindText(element, depth) ?? "image", address), IsButton: false));
                break;
            case JsonValueKind.Object when FindOwnAddress(element) is { } address && FindText(element, depth) is { } label:
                lines.Add((Link(label, address), IsButton: true));
                break;
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject()) Render(member.Value, member.Name, lines, depth + 1);
                break;
            case JsonValueKind.String:
                var text = element.GetText()!.Trim();
                // Parts of cards are often JSON within a string.
                if (text.StartsWith('{') || text.StartsWith('['))
                {
                    if (LenientJson.TryParse(text) is { } inner) Render(inner, name, lines, depth + 1);
                }
                else if (name is not null && TextNames.Contains(name) && text.Length > 0)
                {
                    lines.Add((text, IsButton: false));
                }
                break;
        }
    }

    private static bool IsOfKind(JsonElement element, params ReadOnlySpan<string> kinds)
    {
        foreach (var name in KindNames)
        {
            if (!element.TryGetProperty(name, out var kind) || kind.ValueKind != JsonValueKind.String) continue;
            foreach (var wanted in kinds)
            {
                if (kind.GetText()!.Contains(wanted, StringComparison.OrdinalIgnoreCase)) return true;
            }
        }
        return false;
    }

    private static string? FindText(JsonElement element, int depth)
    {
        if (depth > MaxDepth) return null;
        foreach (var member in element.EnumerateObject())
        {
            if (!TextNames.Contains(member.Name)) continue;
            var text = member.Value.ValueKind switch
            {
                JsonValueKind.String => member.Value.GetText()!.ReplaceLineEndings(" ").Trim(),
                JsonValueKind.Object => FindText(member.Value, depth + 1),
                _ => null,
            };
            if (!string.IsNullOrEmpty(text)) return text;
        }
        return null;
    }

    private static string? FindAddress(JsonElement element, int depth)
    {
        if (depth > MaxDepth) return null;
        if (FindOwnAddress(element) is { } own) return own;
        foreach (var member in element.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Object && FindAddress(member.Value, depth + 1) is { } inner) return inner;
        }
        return null;
    }

    private static string? FindOwnAddress(JsonElement element)
    {
        foreach (var name in AddressNames)
        {
            if (element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
                && Uri.TryCreate(value.GetText(), UriKind.Absolute, out var address) && address.Scheme is "http" or "https") return value.GetText();
        }
        return null;
    }

    private static string Link(string label, string address)
    {
        var text = label.Replace("[", "\\[", StringComparison.Ordinal).Replace("]", "\\]", StringComparison.Ordinal);
        var target = address.Replace(" ", "%20", StringComparison.Ordinal)
            .Replace("(", "%28", StringComparison.Ordinal).Replace(")", "%29", StringComparison.Ordinal);
        return $"[{text}]({target})";
    }
}
