using CozeCluster.Sandbox.Coze.Chats;

namespace CozeCluster.Sandbox.Coze.Control;

/// <summary>Which chats a control call asks for, read from its query.</summary>
internal sealed class ChatFilter
{
    private readonly List<Func<CozeChat, bool>> _rules = [];

    public ChatFilter(IQueryCollection query)
    {
        foreach (var (name, values) in query)
        {
            var value = values.ToString();
            Func<CozeChat, bool>? rule = name switch
            {
                "id" => c => c.Id == value,
                "conversation_id" => c => c.ConversationId == value,
                "bot_id" => c => c.BotId == value,
                "token" => c => c.Token == value,
                "status" => c => c.Status.ToWire() == value,
                "client_gone" => c => c.ClientGone == (value == "true"),
                "ended" => c => c.Ended == (value == "true"),
                "prompt" => c => c.Prompt.Contains(value, StringComparison.Ordinal),
                _ when name.StartsWith("meta.", StringComparison.Ordinal) => c => c.MetaData.GetValueOrDefault(name[5..]) == value,
                _ => null,
            };
            if (rule is not null) _rules.Add(rule);
        }
    }

    public bool Fits(CozeChat chat) => _rules.TrueForAll(rule => rule(chat));
}
