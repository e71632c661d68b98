namespace CozeCluster.Discord;

/// <summary>Reads the text and the suggestions of a message, in its content or in Components V2.</summary>
internal static class ComponentText
{
    // Discord allows 40 components; what nests deeper than this is not Discord's.
    private const int MaxDepth = 16;
    private const int LinkStyle = 5;

    /// <summary>What a message says: its content, and the text displays of its components, each on lines of its own.</summary>
    public static string Of(DiscordMessage message)
    {
        var texts = new List<string>();
        if (!string.IsNullOrEmpty(message.Content)) texts.Add(message.Content);
        foreach (var component in All(message.Components))
            if (component.Type == DiscordComponentType.TextDisplay && !string.IsNullOrEmpty(component.Content)) texts.Add(component.Content);
        return texts.Count == 1 ? texts[0] : string.Join('\n', texts);
    }

    /// <summary>The labels of plain buttons, in order: what Coze suggests to ask next. Links and purchases are none.</summary>
    public static IReadOnlyList<string> Suggestions(DiscordMessage message) =>
        [.. All(message.Components).Where(component => component is { Type: DiscordComponentType.Button, Style: null or < LinkStyle, Label.Length: > 0 }).Select(button => button.Label!)];

    /// <summary>All components, each before what it holds.</summary>
    internal static IEnumerable<DiscordComponent> All(IReadOnlyList<DiscordComponent>? components, int depth = 0)
    {
        if (components is null || depth > MaxDepth) yield break;
        foreach (var component in components.OfType<DiscordComponent>())
        {
            yield return component;
            foreach (var inner in All(component.Components, depth + 1)) yield return inner;
            if (component.Accessory is not { } accessory) continue;
            foreach (var inner in All([accessory], depth + 1)) yield return inner;
        }
    }
}
