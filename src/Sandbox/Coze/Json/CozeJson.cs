using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CozeCluster.Sandbox.Coze;

/// <summary>The JSON of the Coze API: names in snake case, no null values.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ChatRequest))]
[JsonSerializable(typeof(IReadOnlyList<ObjectStringItem>))]
[JsonSerializable(typeof(ObjectStringItem))]
[JsonSerializable(typeof(CancelChatRequest))]
[JsonSerializable(typeof(SubmitToolOutputsRequest))]
[JsonSerializable(typeof(CreateConversationRequest))]
[JsonSerializable(typeof(UpdateConversationRequest))]
[JsonSerializable(typeof(ListMessagesRequest))]
[JsonSerializable(typeof(EnterMessage))]
[JsonSerializable(typeof(OAuthTokenRequest))]
[JsonSerializable(typeof(OAuthToken))]
[JsonSerializable(typeof(OAuthError))]
[JsonSerializable(typeof(JwtHeader))]
[JsonSerializable(typeof(JwtClaims))]
[JsonSerializable(typeof(VerboseContent))]
[JsonSerializable(typeof(FunctionCallContent))]
[JsonSerializable(typeof(ErrorObject))]
[JsonSerializable(typeof(Envelope<NoData>))]
[JsonSerializable(typeof(Envelope<ChatObject>))]
[JsonSerializable(typeof(Envelope<IReadOnlyList<MessageObject>>))]
[JsonSerializable(typeof(Envelope<MessageObject>))]
[JsonSerializable(typeof(Envelope<ConversationObject>))]
[JsonSerializable(typeof(Envelope<ConversationList>))]
[JsonSerializable(typeof(Envelope<SectionObject>))]
[JsonSerializable(typeof(Envelope<FileObject>))]
[JsonSerializable(typeof(Envelope<BotList>))]
[JsonSerializable(typeof(Envelope<BotDetail>))]
[JsonSerializable(typeof(Envelope<PublishedBotList>))]
[JsonSerializable(typeof(Envelope<WorkspaceList>))]
[JsonSerializable(typeof(MessagePage))]
[JsonSerializable(typeof(ModifiedMessage))]
[JsonSerializable(typeof(ControlError))]
[JsonSerializable(typeof(ScriptRequest))]
[JsonSerializable(typeof(FaultRequest))]
[JsonSerializable(typeof(MintTokenRequest))]
[JsonSerializable(typeof(MintedToken))]
[JsonSerializable(typeof(ExpireTokenRequest))]
[JsonSerializable(typeof(OAuthAppObject))]
[JsonSerializable(typeof(ChatRecordList))]
[JsonSerializable(typeof(ChatCounts))]
internal sealed partial class CozeJson : JsonSerializerContext
{
    /// <summary>Writes characters without escapes, as the real server does.</summary>
    public static CozeJson Utf8 => Contexts.Utf8;

    /// <summary>Writes characters beyond ASCII as escapes.</summary>
    public static CozeJson Ascii => Contexts.Ascii;

    // A separate class, because these need the generated Default, and the order of static initializers of a partial class is undefined.
    private static class Contexts
    {
        public static readonly CozeJson Utf8 = Create(JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
        public static readonly CozeJson Ascii = Create(JavaScriptEncoder.Default);

        private static CozeJson Create(JavaScriptEncoder encoder) => new(new JsonSerializerOptions(Default.Options) { Encoder = encoder });
    }
}
