using System.Text.Json.Nodes;

namespace CozeCluster.Upstreams.Tests;

/// <summary>Events of Coze's streams as they are sent over HTTP.</summary>
internal static class Wire
{
    public const string Created =
        "event:conversation.chat.created\ndata:{\"id\":\"h1\",\"conversation_id\":\"c1\",\"bot_id\":\"b1\",\"status\":\"created\","
        + "\"last_error\":{\"code\":0,\"msg\":\"\"}}\n\n";

    public const string Completed =
        "event:conversation.chat.completed\ndata:{\"id\":\"h1\",\"conversation_id\":\"c1\",\"bot_id\":\"b1\",\"status\":\"completed\","
        + "\"last_error\":{\"code\":0,\"msg\":\"\"},\"usage\":{\"token_count\":12,\"output_count\":5,\"input_count\":7}}\n\n";

    public const string Done = "event:done\ndata:\"[DONE]\"\n\n";

    public static string Record(string name, string data) => $"event:{name}\ndata:{data}\n\n";

    /// <summary>A delta of an answer.</summary>
    public static string Delta(string content, string id = "m1") => Record("conversation.message.delta", Message("answer", content, id));

    /// <summary>A delta of reasoning.</summary>
    public static string Thought(string content, string id = "m1") => Record("conversation.message.delta", new JsonObject
    {
        ["id"] = id,
        ["chat_id"] = "h1",
        ["conversation_id"] = "c1",
        ["role"] = "assistant",
        ["type"] = "answer",
        ["content"] = "",
        ["reasoning_content"] = content,
        ["content_type"] = "text",
    }.ToJsonString());

    public static string Message(string type, string content, string id = "m1", string contentType = "text") => new JsonObject
    {
        ["id"] = id,
        ["conversation_id"] = "c1",
        ["bot_id"] = "b1",
        ["chat_id"] = "h1",
        ["role"] = "assistant",
        ["type"] = type,
        ["content"] = content,
        ["content_type"] = contentType,
    }.ToJsonString();

    public static string MessageCompleted(string type, string content, string id = "m1", string contentType = "text") =>
        Record("conversation.message.completed", Message(type, content, id, contentType));

    public static string Verbose(string kind, string data, string id = "v1") =>
        MessageCompleted("verbose", new JsonObject { ["msg_type"] = kind, ["data"] = data }.ToJsonString(), id);
}
