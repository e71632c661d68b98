namespace CozeCluster.Sandbox.Coze;

/// <summary>An error answer of the Coze API: a code, and a text that says what is wrong.</summary>
internal sealed class CozeException(int code, string? message = null, int? httpStatus = null) : Exception(message ?? CozeErrorCodes.GetText(code))
{
    public int Code { get; } = code;

    /// <summary>Coze answers most errors with HTTP 200. Only authentication and permission errors have a status of their own.</summary>
    public int HttpStatus { get; } = httpStatus ?? CozeErrorCodes.GetHttpStatus(code);

    /// <summary>An error about a parameter or a body field (4000).</summary>
    public static CozeException InvalidParameter(string message) => new(CozeErrorCodes.InvalidParameter, message);
}

/// <summary>The error codes of the Coze API that the fake uses by name, and a text for each documented code.</summary>
internal static class CozeErrorCodes
{
    public const int InvalidParameter = 4000;
    public const int ChatNotFound = 4001;
    public const int ConversationNotFound = 4002;
    public const int InvalidMetaData = 4003;
    public const int TooManyMessages = 4004;
    public const int InvalidMessage = 4005;
    public const int BotNotFound = 4006;
    public const int HistoryRequired = 4007;
    public const int InsufficientBalance = 4011;
    public const int Unanswerable = 4014;
    public const int BotNotPublished = 4015;
    public const int ConversationBusy = 4016;
    public const int Unauthenticated = 4100;
    public const int Forbidden = 4101;
    public const int NotCancellable = 4104;
    public const int ResourceNotFound = 4200;
    public const int FileNotFound = 4300;
    public const int FileTooLarge = 4302;
    public const int Internal = 5000;
    public const int TokenExpired = 700012006;

    public static int GetHttpStatus(int code) => code switch
    {
        Unauthenticated or TokenExpired => StatusCodes.Status401Unauthorized,
        Forbidden => StatusCodes.Status403Forbidden,
        _ => StatusCodes.Status200OK,
    };

    public static string GetText(int code) => code switch
    {
        InvalidParameter => "Request parameter error",
        ChatNotFound => "The chat does not exist",
        ConversationNotFound => "The conversation does not exist",
        InvalidMetaData => "The meta_data is invalid",
        TooManyMessages => "The number of messages exceeds the limit",
        InvalidMessage => "The message is invalid",
        BotNotFound => "The bot does not exist",
        HistoryRequired => "auto_save_history must be true when stream is false",
        4008 => "The user's quota for today is used up",
        4009 => "The system's quota is used up",
        4010 => "The prompt is too long",
        InsufficientBalance => "The account balance is insufficient",
        4012 => "The model does not exist",
        4013 => "The model is not available, please try again later",
        Unanswerable => "The question cannot be answered",
        BotNotPublished => "The bot has not been published to the API channel",
        ConversationBusy => "Another chat is running in the conversation",
        4019 => "The free quota is used up",
        4020 => "Requests exceed the rate limit (RPM)",
        4021 => "The workflow does not exist",
        4022 => "The quota of the plan is used up",
        Unauthenticated => "authentication is invalid",
        Forbidden => "The token you entered lacks the permission",
        4102 => "The request was refused by risk control",
        NotCancellable => "The chat cannot be canceled",
        4105 => "The content is sensitive",
        ResourceNotFound => "The requested resource does not exist",
        FileNotFound => "The file does not exist",
        FileTooLarge => "The file is too large",
        4303 => "The file type is not supported",
        Internal => "Internal server error",
        TokenExpired => "access token invalid or expired",
        _ => $"Error {code}",
    };
}
